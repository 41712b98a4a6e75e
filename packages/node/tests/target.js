// Which library is loaded on which system.
const assert = require('node:assert');
const { mkdtempSync, mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { tmpdir } = require('node:os');
const { target, targets } = require('deadstop/target.js');

const glibc = '7f10-7f20 r-xp 00000000 08:01 9      /usr/lib/x86_64-linux-gnu/libc.so.6\n';
const alpine = '7f10-7f20 r-xp 00000000 08:01 9      /lib/ld-musl-x86_64.so.1\n';
const debian = '7f10-7f20 r-xp 00000000 08:01 9      /usr/lib/aarch64-linux-musl/libc.so\n';
for (const [platform, arch, maps, expected] of [
  ['linux', 'x64', glibc, 'linux-x64-gnu'],
  ['linux', 'x64', alpine, 'linux-x64-musl'],
  ['linux', 'arm64', '1-2 r-xp 0 0:0 9 /lib/ld-linux-aarch64.so.1\n', 'linux-arm64-gnu'],
  ['linux', 'arm64', '1-2 r-xp 0 0:0 9 /lib/libc-2.31.so\n', 'linux-arm64-gnu'],
  ['linux', 'arm64', debian, 'linux-arm64-musl'],
  ['linux', 'x64', null, 'linux-x64-gnu'],
  ['darwin', 'arm64', null, 'darwin-arm64'],
  ['win32', 'x64', null, 'win32-x64'],
]) {
  assert.strictEqual(target(platform, arch, maps), expected);
}
assert.ok(targets().includes(target()), `${target()} is not in ${targets()}`);

const folder = mkdtempSync(join(tmpdir(), 'deadstop-'));
mkdirSync(join(folder, 'linux-x64-gnu'));
assert.deepStrictEqual(targets(folder), ['linux-x64-gnu']);
assert.deepStrictEqual(targets(join(folder, 'none')), []);

// A system without a library is refused, and the message says which have one.
Object.defineProperty(process, 'arch', { value: 's390x' });
const { install } = require('deadstop');
assert.throws(() => install(), (error) => error.code === 'ERR_DEADSTOP_UNSUPPORTED'
  && error.message.includes('no library for linux-s390x-gnu')
  && error.message.includes('linux-x64-gnu'));
process.exit(5);
