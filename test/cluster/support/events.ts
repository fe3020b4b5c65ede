import { type ApiClient, type KubeList, type KubeObject, objectPath } from './api.ts';

/** An Event, as far as the tests look at it. */
export interface EventObject extends KubeObject {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
}

/** The Events of Serin about an object of the namespace `default`. */
export async function eventsOf(api: ApiClient, kind: string, name: string): Promise<readonly EventObject[]> {
  const fields = `involvedObject.kind=${kind},involvedObject.name=${name},source=serin`;
  const path = `${objectPath('v1', 'events', 'default')}?fieldSelector=${encodeURIComponent(fields)}`;
  return (await api.get<KubeList<EventObject>>(path)).items;
}
