/** Addresses of links: which are shown to an agent, and how one is written into Markdown. Pure. */

const MAX_ADDRESS = 500;

/** An ordinary web or mail address, or a path in the repository; anything else could be a sentence that the page hides. */
export function isPlainAddress(address: string): boolean {
  return address.length <= MAX_ADDRESS && /^(?:https?:\/\/|mailto:|(?![\w+.-]+:))[\w!#$%&'*+,./:;=?@~()-]+$/i.test(address);
}

/** The address as the destination of a link, so that it ends where it should. */
export function writeAddress(address: string): string {
  return address
    .replaceAll('(', '%28')
    .replaceAll(')', '%29')
    .replace(/[&*_~](?=[#\w]+;)/g, '&amp;');
}
