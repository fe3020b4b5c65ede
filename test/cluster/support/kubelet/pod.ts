import type { KubeObject } from '../api.ts';

/** A Pod, as far as the test's kubelet reads it. */
export interface Pod extends KubeObject {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly nodeSelector?: Record<string, string>;
  readonly serviceAccountName?: string;
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  readonly hostname?: string;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly securityContext?: SecurityContext;
  readonly readinessGates?: readonly { conditionType: string }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly ports?: readonly { name?: string; containerPort: number }[];
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly { prefix?: string; configMapRef?: NameRef; secretRef?: NameRef }[];
  readonly resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  readonly volumeMounts?: readonly VolumeMount[];
  readonly securityContext?: SecurityContext;
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { preStop?: { httpGet?: HttpGet; sleep?: { seconds: number } } };
}

export interface NameRef {
  readonly name: string;
  readonly optional?: boolean;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: ResourceFieldRef;
    configMapKeyRef?: NameRef & { key: string };
    secretKeyRef?: NameRef & { key: string };
  };
}

export interface ResourceFieldRef {
  readonly containerName?: string;
  readonly resource: string;
  readonly divisor?: string;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

export interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly fsGroup?: number;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { add?: readonly string[]; drop?: readonly string[] };
}

export interface KeyToPath {
  readonly key: string;
  readonly path: string;
}

export interface DownwardItem {
  readonly path: string;
  readonly fieldRef?: { fieldPath: string };
  readonly resourceFieldRef?: ResourceFieldRef;
}

/** One source of a projected volume; the volumes of one source alone have the same form. */
export interface VolumeSource {
  readonly secret?: { name?: string; secretName?: string; items?: readonly KeyToPath[]; optional?: boolean };
  readonly configMap?: { name?: string; items?: readonly KeyToPath[]; optional?: boolean };
  readonly downwardAPI?: { items?: readonly DownwardItem[] };
  readonly serviceAccountToken?: { path: string; expirationSeconds?: number; audience?: string };
}

export interface Volume extends VolumeSource {
  readonly name: string;
  readonly emptyDir?: { medium?: string; sizeLimit?: string };
  readonly projected?: { sources?: readonly VolumeSource[] };
}

export interface HttpGet {
  readonly path?: string;
  readonly port: number | string;
  readonly host?: string;
  readonly scheme?: 'HTTP' | 'HTTPS';
  readonly httpHeaders?: readonly { name: string; value: string }[];
}

export interface Probe {
  readonly httpGet?: HttpGet;
  readonly tcpSocket?: { port: number | string };
  readonly grpc?: { port: number; service?: string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

export interface PodCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly observedGeneration?: number;
}

export interface ContainerState {
  readonly waiting?: { reason: string; message?: string };
  readonly running?: { startedAt: string };
  readonly terminated?: {
    exitCode: number;
    signal?: number;
    reason: string;
    startedAt: string;
    finishedAt: string;
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

export interface PodStatus {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly conditions?: readonly PodCondition[];
  readonly podIP?: string;
  readonly podIPs?: readonly { ip: string }[];
  readonly hostIP?: string;
  readonly startTime?: string;
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
}

/** `namespace/name`, for messages. */
export function podName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}
