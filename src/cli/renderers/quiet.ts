// -q: failures only. The exit code says the rest.
import { TrafficTrail } from '../../core/traffic-trail.ts';
import { describeFailure } from '../describe-failure.ts';
import type { Output } from '../output.ts';
import type { Renderer } from './renderer.ts';

export const quietRenderer = ({ stderr }: { readonly stderr: Output }): Renderer => {
  const trail = new TrafficTrail();
  return {
    event: (event) => trail.see(event),
    outcome: () => {},
    failure: (failure) => stderr.write(`graceful: ${describeFailure(failure, trail.movedTo)}\n`),
    close: () => {},
  };
};
