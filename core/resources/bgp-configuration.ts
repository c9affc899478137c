/** The `BGPConfiguration` document's spec: `default` for the cluster, `node.NAME` for one host. */
import { z } from 'zod';
import {
  asNumber,
  communityValue,
  duration,
  flag,
  oneOf,
  optional,
  prefix,
  prefixes,
  secretKeyRef,
  text,
  wholeNumber,
} from './fields.js';

export const bgpConfigurationSpec = z
  .strictObject({
    logSeverityScreen: optional(oneOf(['Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal'])),
    nodeToNodeMeshEnabled: optional(flag),
    asNumber: optional(asNumber),
    listenPort: optional(wholeNumber(1, 65535)),
    bindMode: optional(oneOf(['None', 'NodeIP'])),
    communities: optional(z.array(z.strictObject({ name: text, value: communityValue }))),
    prefixAdvertisements: optional(z.array(z.strictObject({ cidr: prefix, communities: z.array(text) }))),
    serviceClusterIPs: optional(prefixes),
    serviceExternalIPs: optional(prefixes),
    serviceLoadBalancerIPs: optional(prefixes),
    serviceLoadBalancerAggregation: optional(oneOf(['Enabled', 'Disabled'])),
    nodeMeshMaxRestartTime: optional(duration),
    nodeMeshPassword: optional(secretKeyRef),
    ignoredInterfaces: optional(z.array(text)),
    localWorkloadPeeringIPV4: optional(text),
    localWorkloadPeeringIPV6: optional(text),
    programClusterRoutes: optional(oneOf(['Disabled', 'Enabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'])),
    ipv4NormalRoutePriority: optional(wholeNumber(1, 2147483647)),
    ipv6NormalRoutePriority: optional(wholeNumber(1, 2147483647)),
  })
  .superRefine((spec, context) => {
    if (spec.nodeToNodeMeshEnabled !== false) return;
    for (const field of ['nodeMeshPassword', 'nodeMeshMaxRestartTime'] as const) {
      const message = 'allowed beside nodeToNodeMeshEnabled false: it is of the mesh';
      if (spec[field] !== undefined) context.addIssue({ code: 'custom', path: [field], message });
    }
  });
