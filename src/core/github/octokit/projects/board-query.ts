/**
 * What is asked of GitHub about projects, as GraphQL: all items of a project
 * with one field of each, one connection; and where certain issues stand in it,
 * one connection an issue. Every text names the field's definition too, so that
 * a field or value that is gone is seen. Pure.
 */
import { ACCOUNT, PAGE_SIZE, type Query, RATE_LIMIT, type Rider } from '../issue-query.ts';

/** A single-select field of a project of this owner. */
export interface FieldPlace {
  owner: string;
  project: number;
  field: string;
}

/** An issue is in few projects; more than these are refused. */
const PROJECTS_OF_ISSUE = 50;

const VALUE = `... on ProjectV2ItemFieldSingleSelectValue { id name optionId updatedAt creator { ...Account } }`;

/** All items; the parts of the answer are `b0`, `b1`, … in order. */
export function itemsRider(asked: readonly { place: FieldPlace; after?: string }[]): Rider {
  const variables: Rider['variables'][number][] = [];
  const fields = asked.map(({ place, after }, at) => {
    const page = after === undefined ? '' : `, after: $pa${at}`;
    if (after !== undefined) variables.push({ name: `pa${at}`, type: 'String', value: after });
    variables.push({ name: `po${at}`, type: 'String', value: place.owner }, { name: `pf${at}`, type: 'String', value: place.field });
    return `b${at}: repositoryOwner(login: $po${at}) { ... on ProjectV2Owner { projectV2(number: ${place.project}) {
    ${definition(`$pf${at}`)}
    items(first: ${PAGE_SIZE}${page}) { totalCount pageInfo { hasNextPage endCursor } nodes {
      id isArchived
      content { ... on Issue { number updatedAt repository { nameWithOwner } } }
      fieldValueByName(name: $pf${at}) { ${VALUE} }
    } }
  } } }`;
  });
  return { fields: fields.join('\n  '), variables, fragments: ACCOUNT };
}

/** The rider as a query of its own. */
export function itemsQuery(asked: readonly { place: FieldPlace; after?: string }[]): Query {
  const { fields, variables, fragments } = itemsRider(asked);
  const types = variables.map(({ name, type }) => `$${name}: ${type}!`).join(', ');
  return {
    text: `query Board(${types}) {\n  ${RATE_LIMIT}\n  ${fields}\n}\n${fragments}`,
    variables: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
  };
}

/** The field as `b0`, and the issues as `r0` with `i<number>`. */
export function cardsQuery(place: FieldPlace, repo: string, numbers: readonly number[]): Query {
  const cards = numbers.map((number) => `i${number}: issue(number: ${number}) { ...Card }`).join('\n    ');
  return {
    text: `query Cards($owner: String!, $repo: String!, $login: String!, $field: String!) {
  ${RATE_LIMIT}
  b0: repositoryOwner(login: $login) { ... on ProjectV2Owner { projectV2(number: ${place.project}) { ${definition('$field')} } } }
  r0: repository(owner: $owner, name: $repo) { nameWithOwner
    ${cards}
  }
}
fragment Card on Issue {
  id
  number
  repository { nameWithOwner }
  projectItems(first: ${PROJECTS_OF_ISSUE}, includeArchived: false) { pageInfo { hasNextPage } nodes {
    id
    project { id }
    fieldValueByName(name: $field) { ${VALUE} }
  } }
}
${ACCOUNT}`,
    variables: {
      owner: repo.slice(0, repo.indexOf('/')),
      repo: repo.slice(repo.indexOf('/') + 1),
      login: place.owner,
      field: place.field,
    },
  };
}

/** The field alone, as `b0`. */
export function fieldQuery({ owner, project, field }: FieldPlace): Query {
  const text = `query Field($login: String!, $field: String!) {
  ${RATE_LIMIT}
  b0: repositoryOwner(login: $login) { ... on ProjectV2Owner { projectV2(number: ${project}) { ${definition('$field')} } } }
}`;
  return { text, variables: { login: owner, field } };
}

/** What fields there are, for a person who has to correct a name. */
export function fieldsQuery({ owner, project }: FieldPlace): Query {
  const text = `query Fields($login: String!) {
  ${RATE_LIMIT}
  b0: repositoryOwner(login: $login) { ... on ProjectV2Owner { projectV2(number: ${project}) {
    fields(first: 50) { nodes { ... on ProjectV2SingleSelectField { name } } }
  } } }
}`;
  return { text, variables: { login: owner } };
}

export const ADD_ITEM = `mutation AddItem($project: ID!, $content: ID!) {
  addProjectV2ItemById(input: { projectId: $project, contentId: $content }) { item { id } }
}`;

export const SET_VALUE = `mutation SetValue($project: ID!, $item: ID!, $field: ID!, $option: String!) {
  updateProjectV2ItemFieldValue(
    input: { projectId: $project, itemId: $item, fieldId: $field, value: { singleSelectOptionId: $option } }
  ) { projectV2Item { id } }
}`;

export const CLEAR_VALUE = `mutation ClearValue($project: ID!, $item: ID!, $field: ID!) {
  clearProjectV2ItemFieldValue(input: { projectId: $project, itemId: $item, fieldId: $field }) { projectV2Item { id } }
}`;

function definition(field: string): string {
  return `id field(name: ${field}) { __typename ... on ProjectV2SingleSelectField { id name options { id name } } }`;
}
