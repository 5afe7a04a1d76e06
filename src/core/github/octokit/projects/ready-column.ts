/**
 * A column of a project in the words of labels: a card that stands in it gives
 * its issue a label and one event of it, by whoever set the value. A true label
 * of that name counts for nothing. Answers are checked by hand, because an idle
 * pass comes through here. Pure.
 */
import { AgentOsError } from '../../../errors.ts';
import type { Actor, IssueEvent, IssueView } from '../../github.ts';
import type { PartError } from '../client/client.ts';
import { sameName } from '../client/request-names.ts';
import { type Fields, isFields } from '../repository-part.ts';
import type { FieldPlace } from './board-query.ts';

/** The column that makes the issues of a repository Ready. */
export interface ReadyColumn {
  project: number;
  field: string;
  value: string;
  /** What the column is called in the place of a label. */
  label: string;
  /** Where the card goes when its task is done; without it, the value is taken away. */
  done?: string | undefined;
}

/** A field as it is defined now. */
export interface FieldDefinition {
  projectId: string;
  fieldId: string;
  options: readonly { id: string; name: string }[];
}

/** The value that a card has in the field. */
export interface CardValue {
  id: string;
  name: string;
  optionId: string;
  at: string;
  by?: Actor;
}

type Answer = { data: Fields; errors: readonly PartError[] };

/** The project's part of an answer. @param alias `b0`, … */
export function projectPart({ data, errors }: Answer, alias: string, place: FieldPlace): Fields | AgentOsError {
  const owner = data[alias];
  const part = isFields(owner) ? owner['projectV2'] : undefined;
  const wrong = errors.find((error) => error.path[0] === alias && !isHidden(error));
  if (isFields(part) && !wrong) return part;
  return new AgentOsError('refused', `cannot read project ${place.project} of \`${place.owner}\`${wrong ? `: ${wrong.message}` : ''}`, {
    hint: 'Compare the number with its page on GitHub, and give the credential access to projects: the scope `project` of a classic token, the permission `organization_projects` of an app or a fine-grained token.',
  });
}

/** The content of a card that the credential does not see: it belongs to none of our repositories. */
function isHidden({ path, type }: PartError): boolean {
  return path.at(-1) === 'content' && /^(NOT_FOUND|FORBIDDEN)$/.test(type);
}

/** `undefined` where the project has no single-select field of that very name. */
export function toDefinition(part: Fields, name: string): FieldDefinition | undefined {
  const { id: projectId, field } = part;
  if (!isFields(field) || field['__typename'] !== 'ProjectV2SingleSelectField' || field['name'] !== name) return undefined;
  const { id: fieldId, options } = field;
  if (typeof projectId !== 'string' || typeof fieldId !== 'string' || !Array.isArray(options)) return undefined;
  const known = options.flatMap((one: unknown) =>
    isFields(one) && typeof one['id'] === 'string' && typeof one['name'] === 'string' ? [{ id: one['id'], name: one['name'] }] : [],
  );
  return { projectId, fieldId, options: known };
}

/** @throws AgentOsError `refused`, with the values that there are */
export function optionOf({ options }: Pick<FieldDefinition, 'options'>, place: FieldPlace, value: string): string {
  const found = options.find(({ name }) => name === value);
  if (found) return found.id;
  const known = options.map(({ name }) => `\`${name}\``).join(', ');
  throw new AgentOsError(
    'refused',
    `the field \`${place.field}\` of project ${place.project} of \`${place.owner}\` has no value \`${value}\`; it has ${known || 'none'}`,
    { hint: 'Write the name in the configuration as it is in the project.' },
  );
}

/** `undefined` where there is none. @throws AgentOsError `unavailable` when it cannot be read: whom it names is not to be guessed */
export function toCardValue(value: unknown, place: FieldPlace): CardValue | undefined {
  if (value === null) return undefined;
  const { id, name, optionId, updatedAt: at, creator } = isFields(value) ? value : {};
  const texts = [id, name, optionId, at].every((one) => typeof one === 'string');
  if (!texts || Number.isNaN(Date.parse(String(at)))) {
    throw new AgentOsError('unavailable', `GitHub's answer about project ${place.project} of \`${place.owner}\` lacks the value of a card`);
  }
  const by = toCreator(creator);
  return { id: String(id), name: String(name), optionId: String(optionId), at: String(at), ...(by && { by }) };
}

/** The same logins as in REST, where an app's ends in `[bot]`. */
function toCreator(node: unknown): Actor | undefined {
  const { __typename: type, login, databaseId: id } = isFields(node) ? node : {};
  if (typeof login !== 'string' || login === '' || !Number.isSafeInteger(id) || (id as number) <= 0) return undefined;
  return { id: id as number, login: type === 'Bot' && !login.endsWith('[bot]') ? `${login}[bot]` : login };
}

/** The view as it is with the column in the place of a label. @param value of the issue's card, when it stands in the column */
export function presentColumn({ issue, events }: IssueView, label: string, value: CardValue | undefined): IssueView {
  const labels = issue.labels.filter((name) => !sameName(name, label));
  const others = events.filter((event) => !isOf(event, label));
  if (!value) return { issue: { ...issue, labels }, events: others };
  const event: IssueEvent = {
    id: `${value.id}@${value.at}`,
    kind: 'labeled',
    label,
    at: value.at,
    n: Math.floor(Date.parse(value.at) / 1000),
    ...(value.by && { actor: value.by }),
  };
  const later = others.findIndex(({ at }) => Date.parse(at) > Date.parse(value.at));
  const place = later < 0 ? others.length : later;
  return { issue: { ...issue, labels: [...labels, label] }, events: others.toSpliced(place, 0, event) };
}

function isOf(event: IssueEvent, label: string): boolean {
  return (event.kind === 'labeled' || event.kind === 'unlabeled') && sameName(event.label, label);
}
