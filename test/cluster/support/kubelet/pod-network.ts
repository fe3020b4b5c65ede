import { bridgeAddress } from '../environment.ts';
import { mustRun, runProgram } from '../program.ts';

/** A pod's network namespace: a veth into the run's bridge, with addresses of its own. */
export interface PodNetwork {
  /** The name that `ip netns` knows it by. */
  readonly name: string;
  /** IPv4 first, then IPv6. */
  readonly addresses: readonly [string, string];
  /** Kills what still runs in it, and removes it. */
  remove(): Promise<void>;
}

let made = 0;

/** Makes one. No address is used twice in a run: who still calls an old one finds nobody, as on a real network. */
export async function makePodNetwork(): Promise<PodNetwork> {
  const number = ++made;
  const name = `pod-${number}`;
  const [high, low] = [1 + (number >> 8), number & 255];
  const addresses = [`10.244.${high}.${low}`, `fd00:244::1:${number.toString(16)}`] as const;
  const bridge6 = 'fd00:244::1';
  await mustRun([
    'sh',
    '-ec',
    `ip netns add ${name}
ip link add v${number} type veth peer name eth0 netns ${name}
ip link set v${number} master br0 up
ip -n ${name} -batch - <<'END'
link set lo up
address add ${addresses[0]}/16 dev eth0
address add ${addresses[1]}/64 dev eth0 nodad
link set eth0 up
route add default via ${bridgeAddress}
route add default via ${bridge6}
END`,
  ]);
  return {
    name,
    addresses,
    remove: async () => {
      const { out } = await runProgram(['ip', 'netns', 'pids', name]);
      for (const pid of out.split(/\s+/).filter((word) => word !== '')) {
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // It has ended meanwhile.
        }
      }
      await runProgram(['ip', 'netns', 'delete', name]);
    },
  };
}
