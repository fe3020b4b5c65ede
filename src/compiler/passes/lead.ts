import type { SharedPass } from '../group.ts';

/** The leader is the member without weight; where several or none are so, the first by namespace and name. */
export const lead: SharedPass = (draft) => {
  const { members } = draft;
  return { ...draft, leader: members.find(({ mapping }) => mapping.weight === null) ?? members[0] ?? null };
};
