/** SHELL: the log. JSON where a machine reads it, lines on a terminal. */
import { type DestinationStream, type Logger, pino } from 'pino';
import { build as pretty } from 'pino-pretty';
import type { Settings } from './config/setting.js';

export function newLog({
  logLevel,
  logFormat,
  nodeName,
}: Pick<Settings, 'logLevel' | 'logFormat' | 'nodeName'>): Logger {
  const readable = logFormat === 'pretty' || (logFormat === 'auto' && process.stdout.isTTY === true);
  const options = { level: logLevel, base: { node: nodeName }, timestamp: pino.stdTimeFunctions.isoTime };
  if (!readable) return pino(options);
  const lines: DestinationStream = pretty({ sync: true, ignore: 'node', translateTime: 'SYS:HH:MM:ss.l' });
  return pino(options, lines);
}
