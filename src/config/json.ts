// JSON with the place of a mistake. V8 names the position for some mistakes only, and quotes the file for the others,
// which may put a secret on the screen.

/** A mistake in a file's syntax, described without quoting the file. */
export class FileSyntaxError extends Error {
  override readonly name = 'FileSyntaxError';
  readonly expected: string;

  constructor(message: string, expected: string, options?: ErrorOptions) {
    super(message, options);
    this.expected = expected;
  }
}

/** Parses JSON, or throws a {@link FileSyntaxError} that says on which line and column the mistake is. */
export function parseJson(text: string): unknown {
  // Some editors begin a file with a byte order mark, and JSON.parse refuses it.
  const json = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(json);
  } catch (cause) {
    const before = json.slice(0, firstMistake(json));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    throw new FileSyntaxError(
      `invalid JSON at line ${line}, column ${column}`,
      'JSON without comments and trailing commas',
      { cause },
    );
  }
}

/** Offset of the first character that no valid JSON can have there: a prefix is beyond repair from that one on. */
function firstMistake(json: string): number {
  let sound = 0;
  let broken = json.length + 1;
  while (broken - sound > 1) {
    const length = (sound + broken) >> 1;
    if (length <= json.length && canBeContinued(json.slice(0, length))) sound = length;
    else broken = length;
  }
  return sound;
}

function canBeContinued(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = /at position (\d+)/.exec(message)?.[1];
    return (
      message.startsWith('Unexpected end') ||
      message.startsWith('Unterminated string') ||
      Number(position) === prefix.length
    );
  }
}
