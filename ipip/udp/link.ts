/** SHELL: the device's side of rtnetlink: up, and of the wanted MTU, so that it carries packets before the agent runs. */
import type { Link } from '../../linux/netlink/link.js';
import { describeRefusal, Rtnetlink } from '../../linux/netlink/rtnetlink.js';

/** Writes nothing where all is as it should be. What is wrong, in words; "" if nothing. */
export async function bringUp(name: string, mtu: number): Promise<string> {
  const kernel = new Rtnetlink();
  try {
    const link = (await kernel.links()).find(one => one.name === name);
    if (link === undefined) return 'it is not there';
    if (isRight(link, mtu)) return '';
    const refusals = await kernel.changeLinks([{ ifindex: link.ifindex, up: true, mtu }]);
    const refusal = refusals.get(0);
    return refusal === undefined
      ? ''
      : `cannot be brought up with an MTU of ${mtu}: ${describeRefusal(refusal)}`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    kernel.close();
  }
}

function isRight(link: Link, mtu: number): boolean {
  return link.up && link.mtu === mtu;
}
