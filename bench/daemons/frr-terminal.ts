/** FRR's own terminal socket, which vtysh speaks to; vtysh itself wants a PAM service that only an installed FRR has. */
import { connect } from 'node:net';

/**
 * Commands one after the other over a daemon's terminal socket (`bgpd.vty`), in enable mode: each is NUL-terminated and answered by
 * text, three NULs and a status byte. The last one's answer.
 *
 * @throws if the daemon does not listen
 */
export function askTerminal(path: string, ...commands: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const all = ['enable', ...commands];
    const socket = connect(path, () => socket.write(all.map(command => `${command}\0`).join('')));
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${path}: closed before it answered`)));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const answers = text.split('\0\0\0');
      if (answers.length <= all.length) return;
      resolve(answers[commands.length]!.slice(1));
      socket.destroy();
    });
  });
}
