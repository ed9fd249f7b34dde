// -q: failures only. The exit code says the rest.
import { describeFailure } from '../describe-failure.ts';
import type { Output } from '../output.ts';
import type { Renderer } from './renderer.ts';

export const quietRenderer = ({ stderr }: { readonly stderr: Output }): Renderer => ({
  event: () => {},
  outcome: () => {},
  failure: (failure) => stderr.write(`graceful: ${describeFailure(failure)}\n`),
  close: () => {},
});
