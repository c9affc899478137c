/**
 * The route driver alone, in a process of its own: a table is desired, the clock runs until the kernel holds it. Usage, with the setup
 * as JSON: `node driver-process.js '{...}'`; prints a {@link DriverSample} as JSON.
 */
import { systemClock } from '../bgp/speaker/system-clock.js';
import type { IpAddress } from '../core/ip-address.js';
import { ipv4PrefixFromNumber, type Prefix } from '../core/prefix.js';
import type { DesiredRoute } from '../ipip/desired.js';
import { RouteDriver } from '../ipip/route-driver.js';
import { SharedRoutes } from '../ipip/shared-routes.js';
import { describeRefusal, Rtnetlink } from '../linux/netlink/rtnetlink.js';

export interface DriverSetup {
  readonly networkNamespace: string;
  readonly interfaceName: string;
  readonly gateway: string;
  readonly prefixes: number;
}

export interface DriverSample {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

const METRIC = 1024;
const WARM_UP = 100_000;

class Bench {
  readonly #kernel: Rtnetlink;
  readonly #driver: RouteDriver;
  #done: () => void = () => {};

  constructor(networkNamespace: string) {
    this.#kernel = new Rtnetlink({ networkNamespace: `/run/netns/${networkNamespace}` });
    this.#driver = new RouteDriver({
      kernel: this.#kernel,
      clock: systemClock,
      shared: new SharedRoutes(),
      metric: METRIC,
      describeRefusal,
      changed: () => this.#done(),
      failed: error => {
        throw error;
      },
    });
    this.#driver.allowDeletions();
  }

  async routeBy(interfaceName: string, gateway: string): Promise<DesiredRoute> {
    const link = (await this.#kernel.links()).find(({ name }) => name === interfaceName);
    if (link === undefined) throw new Error(`there is no interface ${interfaceName}`);
    const legs = [{ gateway: gateway as IpAddress, ifindex: link.ifindex, onlink: false }];
    return { kind: 'unicast', legs, preferredSource: undefined, mtu: undefined, metric: METRIC };
  }

  async write(destinations: readonly Prefix[], route: DesiredRoute): Promise<void> {
    for (const destination of destinations) this.#driver.setDesired(destination, route);
    await this.#applied();
    if (this.#driver.status().programmed !== destinations.length)
      throw new Error('the kernel refused routes');
  }

  async remove(destinations: readonly Prefix[]): Promise<void> {
    for (const destination of destinations) this.#driver.deleteDesired(destination);
    await this.#applied();
  }

  close(): void {
    this.#driver.close();
    this.#kernel.close();
  }

  #applied(): Promise<void> {
    this.#driver.request();
    return new Promise(resolve => {
      this.#done = resolve;
    });
  }
}

/** The /24s of the side-by-side generator, from 16.0.0.0 on. */
function table(prefixes: number): readonly Prefix[] {
  return Array.from({ length: prefixes }, (_, i) => ipv4PrefixFromNumber((16 << 24) + (i << 8), 24));
}

async function main(setup: DriverSetup): Promise<DriverSample> {
  const bench = new Bench(setup.networkNamespace);
  const route = await bench.routeBy(setup.interfaceName, setup.gateway);
  const warmUp = table(WARM_UP);
  await bench.write(warmUp, route);
  await bench.remove(warmUp);
  const destinations = table(setup.prefixes);
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  await bench.write(destinations, route);
  const { user, system } = process.cpuUsage(cpu);
  const wallSeconds = (performance.now() - began) / 1000;
  await bench.remove(destinations);
  bench.close();
  return { cpuSeconds: (user + system) / 1e6, wallSeconds };
}

process.stdout.write(`${JSON.stringify(await main(JSON.parse(process.argv[2]!) as DriverSetup))}\n`);
