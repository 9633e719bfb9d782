import { type Machine, programFile } from './elf-file.ts';
import type { CodeWriter } from './machine-code.ts';
import {
  ANY_CHILD,
  SIG_SETMASK,
  SIGCHLD,
  SIGNAL_SET_BYTES,
  WAITED_FOR,
  WNOHANG,
} from './signals-and-children.ts';

const TIOCSPGRP = 0x5410;
const STDERR = 2;
/** What shells and Docker's init say of a command that is not there, and of one that cannot be run. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const ENOENT = 2;

/** Room on the stack, in bytes from its top. */
const SET = 0;
const OLD_SET = 8;
const STATUS = 16;
const SCRATCH = 24;
const PATH_BEGIN = 32;
const PATH_END = 4000;
const ROOM = 4080;

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const COMPLAINT = 'docker-init: this command is not there or cannot be run: ';

const code = (character: string): number => character.charCodeAt(0);

/**
 * A static program for Linux, `docker-init -- COMMAND…`: as process 1 it starts the command in a process group of
 * its own, passes every signal on to it, reaps whatever ends below it, and ends as the command did (128 and the
 * number of the signal that killed it). The command is looked for in PATH. Beside its headers it is about a
 * kilobyte of machine code that nothing but this file makes.
 */
export function initProgram(machine: Machine): Buffer {
  return programFile(machine, writeInit);
}

/** a: the command's arguments, later the child's pid; c: the environment. */
function writeInit(p: CodeWriter): void {
  // The kernel leaves on the stack: how many arguments, they, 0, the environment, 0.
  p.load('b', 'stack', 0);
  p.move('c', 'b');
  for (let doubled = 0; doubled < 3; doubled += 1) p.add('c', 'c');
  p.address('d', 'stack', 16);
  p.add('c', 'd');
  p.address('a', 'stack', 24);
  p.jumpIf('b', 'less', 3, 'no command');
  p.reserve(ROOM);
  p.set('d', WAITED_FOR);
  p.store('d', 'stack', SET);
  p.address('d', 'stack', SET);
  p.address('e', 'stack', OLD_SET);
  p.call('rt_sigprocmask', SIG_SETMASK, 'd', 'e', SIGNAL_SET_BYTES);
  p.call('clone', SIGCHLD, 0, 0, 0, 0);
  p.jumpIf('result', 'equal', 0, 'child');
  p.jumpIf('result', 'less', 0, 'no command');
  p.move('a', 'result');
  writeParent(p);
  p.label('no command');
  p.call('exit_group', NOT_EXECUTABLE);
  p.label('child');
  writeChild(p);
  writeSearch(p);
  writeFailure(p);
  p.text('default path', DEFAULT_PATH);
  p.text('complaint', COMPLAINT);
  p.text('line end', '\n');
}

/** Signals wait, blocked, until they are asked for: none is lost. */
function writeParent(p: CodeWriter): void {
  p.label('wait');
  p.address('d', 'stack', SET);
  p.call('rt_sigtimedwait', 'd', 0, 0, SIGNAL_SET_BYTES);
  p.jumpIf('result', 'less', 1, 'wait');
  p.jumpIf('result', 'equal', SIGCHLD, 'reap');
  p.move('e', 'result');
  p.call('kill', 'a', 'e');
  p.jump('wait');
  p.label('reap');
  p.address('d', 'stack', STATUS);
  p.call('wait4', ANY_CHILD, 'd', WNOHANG, 0);
  p.jumpIf('result', 'less', 1, 'wait');
  p.subtract('result', 'a');
  p.jumpIf('result', 'unequal', 0, 'reap');
  // wait(2): the low seven bits are the signal, the second byte the exit code.
  p.loadByte('b', 'stack', STATUS);
  p.and('b', 0x7f);
  p.jumpIf('b', 'unequal', 0, 'killed');
  p.loadByte('b', 'stack', STATUS + 1);
  p.call('exit_group', 'b');
  p.label('killed');
  p.address('b', 'b', 128);
  p.call('exit_group', 'b');
}

/** The terminal, if there is one, becomes the command's; SIGTTOU is still blocked. */
function writeChild(p: CodeWriter): void {
  p.call('setpgid', 0, 0);
  p.call('getpid');
  p.move('e', 'result');
  p.store('e', 'stack', SCRATCH);
  p.address('d', 'stack', SCRATCH);
  p.call('ioctl', 0, TIOCSPGRP, 'd');
  p.address('d', 'stack', OLD_SET);
  p.call('rt_sigprocmask', SIG_SETMASK, 'd', 0, SIGNAL_SET_BYTES);
  p.set('d', BigInt(NOT_FOUND));
  p.store('d', 'stack', SCRATCH);
  p.load('b', 'a', 0);
  p.move('d', 'b');
  p.label('scan');
  p.loadByte('e', 'd', 0);
  p.jumpIf('e', 'equal', 0, 'search');
  p.jumpIf('e', 'equal', code('/'), 'direct');
  p.address('d', 'd', 1);
  p.jump('scan');
  p.label('direct');
  p.call('execve', 'b', 'a', 'c');
  p.address('result', 'result', ENOENT);
  p.jumpIf('result', 'equal', 0, 'failed');
  p.set('d', BigInt(NOT_EXECUTABLE));
  p.store('d', 'stack', SCRATCH);
  p.jump('failed');
}

/** b: the command; e goes along PATH, d along the path that is tried. */
function writeSearch(p: CodeWriter): void {
  p.label('search');
  p.move('d', 'c');
  p.label('next variable');
  p.load('e', 'd', 0);
  p.jumpIf('e', 'equal', 0, 'no PATH');
  for (const [index, letter] of [...'PATH='].entries()) {
    p.loadByte('result', 'e', index);
    p.jumpIf('result', 'unequal', code(letter), 'other variable');
  }
  p.address('e', 'e', 'PATH='.length);
  p.jump('folder');
  p.label('other variable');
  p.address('d', 'd', 8);
  p.jump('next variable');
  p.label('no PATH');
  p.addressOf('e', 'default path');

  p.label('folder');
  p.address('d', 'stack', PATH_BEGIN);
  p.label('folder letter');
  p.loadByte('result', 'e', 0);
  p.jumpIf('result', 'equal', 0, 'folder end');
  p.jumpIf('result', 'equal', code(':'), 'folder end');
  p.storeByte('result', 'd', 0);
  p.address('e', 'e', 1);
  writeStepOfPath(p);
  p.jump('folder letter');
  p.label('folder end');
  // An empty one is the working directory (execvp(3)).
  p.address('result', 'stack', PATH_BEGIN);
  p.subtract('result', 'd');
  p.jumpIf('result', 'equal', 0, 'name');
  p.set('result', BigInt(code('/')));
  p.storeByte('result', 'd', 0);
  writeStepOfPath(p);
  p.label('name');
  p.move('f', 'b');
  p.label('name letter');
  p.loadByte('result', 'f', 0);
  p.storeByte('result', 'd', 0);
  p.jumpIf('result', 'equal', 0, 'try');
  p.address('f', 'f', 1);
  writeStepOfPath(p);
  p.jump('name letter');
  p.label('try');
  p.address('d', 'stack', PATH_BEGIN);
  p.call('execve', 'd', 'a', 'c');
  p.address('result', 'result', ENOENT);
  p.jumpIf('result', 'equal', 0, 'next folder');
  p.set('d', BigInt(NOT_EXECUTABLE));
  p.store('d', 'stack', SCRATCH);
  p.label('next folder');
  p.loadByte('result', 'e', 0);
  p.jumpIf('result', 'equal', 0, 'failed');
  p.address('e', 'e', 1);
  p.jumpIf('result', 'equal', code(':'), 'folder');
  p.jump('next folder');
}

/** A path that has no room left is none. */
function writeStepOfPath(p: CodeWriter): void {
  p.address('d', 'd', 1);
  p.address('result', 'stack', PATH_END);
  p.subtract('result', 'd');
  p.jumpIf('result', 'less', 1, 'next folder');
}

function writeFailure(p: CodeWriter): void {
  p.label('failed');
  p.addressOf('d', 'complaint');
  p.call('write', STDERR, 'd', COMPLAINT.length);
  p.move('d', 'b');
  p.label('length');
  p.loadByte('e', 'd', 0);
  p.jumpIf('e', 'equal', 0, 'measured');
  p.address('d', 'd', 1);
  p.jump('length');
  p.label('measured');
  p.subtract('d', 'b');
  p.call('write', STDERR, 'b', 'd');
  p.addressOf('d', 'line end');
  p.call('write', STDERR, 'd', 1);
  p.load('b', 'stack', SCRATCH);
  p.call('exit_group', 'b');
}
