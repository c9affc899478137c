/** BIRD's control socket, which birdc speaks to. */
import { connect } from 'node:net';

/**
 * One command; its answer without reply codes. Lines begin with a code of four digits and `-`, the last one with the code and a blank,
 * lines of the same code with a blank alone.
 *
 * @throws if BIRD does not listen, or refuses the command (codes 8000 and up)
 */
export function askBird(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path);
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${path}: closed before it answered`)));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const greeting = /^0001 .*\n/.exec(text)?.[0];
      if (greeting === undefined) return;
      if (text === greeting) {
        socket.write(`${command}\n`);
        return;
      }
      const last = /^(?!0001)(\d{4}) .*\n$/m.exec(text.slice(greeting.length));
      if (last === null) return;
      const answer = text.slice(greeting.length).replaceAll(/^(\d{4}[- ]| )/gm, '');
      if (Number(last[1]) >= 8000) reject(new Error(`${command}: ${answer}`));
      else resolve(answer);
      socket.destroy();
    });
  });
}
