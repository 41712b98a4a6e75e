// The package from a module, by its names.
import { arm, armWithin, install, isRequested, remaining, request, statusReport } from 'deadstop';

install({ grace: Number(process.env.GRACE) });
for (const call of [arm, armWithin, isRequested, remaining, statusReport]) {
  if (typeof call !== 'function') {
    throw new Error(`${call} is no function`);
  }
}
console.log('ready');
console.log(`at ${process.hrtime.bigint()}`);
request('a module');
while (true) {}
