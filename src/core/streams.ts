/** Stdout and stderr of this process. Node opens them at their first use, which costs an idle tick more than its work: they are touched only when there is something to say. */
let guarded = false;

/** To be called before the first word: a reader that went away (`| head`) is no failure of ours. */
export function guardStreams(): void {
  if (guarded) return;
  guarded = true;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
