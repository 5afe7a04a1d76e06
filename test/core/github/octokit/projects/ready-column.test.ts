/** A card in the words of labels. */
import { describe, expect, it } from 'vitest';
import {
  optionOf,
  presentColumn,
  projectPart,
  toCardValue,
  toDefinition,
} from '../../../../../src/core/github/octokit/projects/ready-column.ts';
import { at, buildIssue, edited, labeled, OCTOCAT } from '../../../../support/builders.ts';

const PLACE = { owner: 'acme', project: 4, field: 'Status' };
const LABEL = 'project 4: Status is Ready';
const VALUE = { id: 'V1', name: 'Ready', optionId: 'o1', at: at('10:00'), by: OCTOCAT };

describe('a view with a column', () => {
  it('has its event in its place of the timeline', () => {
    const view = {
      issue: buildIssue({ labels: ['bug', LABEL.toUpperCase()] }),
      events: [edited('09:00'), labeled(LABEL, '09:30'), edited('10:00'), edited('10:01')],
    };
    const shown = presentColumn(view, LABEL, VALUE);
    expect(shown.issue.labels).toEqual(['bug', LABEL]);
    expect(shown.events.map(({ kind, at: when }) => `${kind} ${when.slice(11, 16)}`)).toEqual([
      'edited 09:00',
      'edited 10:00',
      'labeled 10:00',
      'edited 10:01',
    ]);
    expect(shown.events[2]).toEqual({
      id: `V1@${at('10:00')}`,
      kind: 'labeled',
      label: LABEL,
      at: at('10:00'),
      n: Date.parse(at('10:00')) / 1000,
      actor: OCTOCAT,
    });
    expect(view.issue.labels).toHaveLength(2);
  });

  it('has nothing of it outside the column', () => {
    const view = { issue: buildIssue({ labels: [LABEL] }), events: [labeled(LABEL, '09:30'), labeled('bug', '09:31')] };
    const shown = presentColumn(view, LABEL, undefined);
    expect(shown.issue.labels).toEqual([]);
    expect(shown.events).toMatchObject([{ label: 'bug' }]);
  });
});

describe('the value of a card', () => {
  const node = {
    id: 'V1',
    name: 'Ready',
    optionId: 'o1',
    updatedAt: at('10:00'),
    creator: { __typename: 'User', login: 'octocat', databaseId: 7 },
  };
  it.each([
    ['a person', node.creator, OCTOCAT],
    ['an app', { __typename: 'Bot', login: 'mover', databaseId: 9 }, { id: 9, login: 'mover[bot]' }],
    ['nobody', null, undefined],
    ['an account without a number', { __typename: 'EnterpriseUserAccount', login: 'x' }, undefined],
  ])('names %s', (_, creator, by) => {
    expect(toCardValue({ ...node, creator }, PLACE)).toEqual({
      id: 'V1',
      name: 'Ready',
      optionId: 'o1',
      at: at('10:00'),
      ...(by && { by }),
    });
  });

  it('is none where there is none, and an error where it cannot be read', () => {
    expect(toCardValue(null, PLACE)).toBeUndefined();
    for (const wrong of [{}, { ...node, updatedAt: 'soon' }, { ...node, optionId: null }, undefined])
      expect(() => toCardValue(wrong, PLACE)).toThrow(/lacks the value of a card/);
  });
});

describe('a project', () => {
  it('is an error where it is not seen, and where a part of it is left out', () => {
    const project = { id: 'P', field: null };
    const data = { b0: { projectV2: project } };
    expect(projectPart({ data, errors: [] }, 'b0', PLACE)).toBe(project);
    const hidden = { path: ['b0', 'projectV2', 'items', 'nodes', 3, 'content'], type: 'FORBIDDEN', message: 'no' };
    expect(projectPart({ data, errors: [hidden] }, 'b0', PLACE)).toBe(project);
    for (const answer of [
      { data: { b0: null }, errors: [] },
      { data: { b0: { projectV2: null } }, errors: [] },
      { data, errors: [{ ...hidden, path: ['b0', 'projectV2', 'items'] }] },
      { data, errors: [{ ...hidden, type: 'SERVICE' }] },
    ])
      expect(projectPart(answer, 'b0', PLACE)).toMatchObject({ code: 'refused' });
  });

  it('has a definition of a single-select field alone', () => {
    const field = {
      __typename: 'ProjectV2SingleSelectField',
      id: 'F',
      name: 'Status',
      options: [{ id: 'o1', name: 'Ready' }, { id: 'o2' }],
    };
    const definition = toDefinition({ id: 'P', field }, 'Status');
    expect(definition).toEqual({ projectId: 'P', fieldId: 'F', options: [{ id: 'o1', name: 'Ready' }] });
    expect(toDefinition({ id: 'P', field: { ...field, __typename: 'ProjectV2Field' } }, 'Status')).toBeUndefined();
    expect(toDefinition({ id: 'P', field: null }, 'Status')).toBeUndefined();
    expect(toDefinition({ id: 'P', field }, 'status')).toBeUndefined();
    expect(optionOf({ options: definition?.options ?? [] }, PLACE, 'Ready')).toBe('o1');
    expect(() => optionOf({ options: [] }, PLACE, 'ready')).toThrow(/no value `ready`; it has none/);
  });
});
