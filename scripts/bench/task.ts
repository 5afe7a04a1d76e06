import type { Report } from './figure.ts';
export async function benchTask(_report: Report): Promise<void> {}
