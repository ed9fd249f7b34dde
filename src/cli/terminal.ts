// What may be assumed about where the output goes.

/** The two streams and what was asked for; everything that decides is in here, so that only main has to read the process. */
export interface TerminalFacts {
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  readonly noColor: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Terminal {
  /** stderr can be redrawn: it is a terminal with a cursor that somebody watches. */
  readonly live: boolean;
  /** Colours on stderr, where progress goes. */
  readonly progressColour: boolean;
  /** Colours on stdout, where answers go. */
  readonly answerColour: boolean;
}

/** NO_COLOR (no-color.org), FORCE_COLOR, CI and TERM=dumb, in the meaning that other tools give them. */
export const terminalOf = ({ stdoutIsTty, stderrIsTty, noColor, env }: TerminalFacts): Terminal => {
  const dumb = env['TERM'] === 'dumb';
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const refused = noColor || isSet('NO_COLOR');
  const forced = isSet('FORCE_COLOR') && env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  const colour = (isTty: boolean): boolean => !refused && (forced || (isTty && !dumb));
  return {
    live: stderrIsTty && !dumb && !isSet('CI'),
    progressColour: colour(stderrIsTty),
    answerColour: colour(stdoutIsTty),
  };
};
