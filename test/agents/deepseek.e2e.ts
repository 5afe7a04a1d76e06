import { testAgent } from './matrix.ts';
import { poolAgent } from './pool.ts';

testAgent(poolAgent('deepseek'));
