'use strict';

const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');

// glibc and its loader, as they are mapped into a process that uses them.
const GLIBC = /\/(libc\.so\.6|libc-2\.\d+\.so|ld-linux[^/\n]*)$/m;

// Returns the name of a system's library: of this process, unless others are given. `maps`
// is the text of /proc/self/maps, or null if it cannot be read.
function target(platform = process.platform, arch = process.arch, maps = mapped()) {
  if (platform !== 'linux') {
    return `${platform}-${arch}`;
  }
  return `${platform}-${arch}-${maps === null || GLIBC.test(maps) ? 'gnu' : 'musl'}`;
}

function mapped() {
  try {
    return readFileSync('/proc/self/maps', 'utf8');
  } catch {
    return null;
  }
}

// Returns the systems for which the package has a library.
function targets(folder = path.join(__dirname, 'lib')) {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

module.exports = { target, targets };
