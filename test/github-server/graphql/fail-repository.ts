/** The planned fault of GraphQL: one repository of a query fails, the others are answered. */
import { same } from '../store.ts';
import type { GraphqlHooks } from './execute.ts';

/** @param fullName `owner/name`, whatever the case; every alias that asks for it fails. */
export function failRepository(fullName: string, type = 'FORBIDDEN'): Pick<GraphqlHooks, 'fault'> {
  return {
    fault: ({ path, name, args }) => {
      if (path.length !== 1 || name !== 'repository' || !same(`${args['owner']}/${args['name']}`, fullName)) return undefined;
      return { type, message: `Something is wrong with ${fullName}.` };
    },
  };
}
