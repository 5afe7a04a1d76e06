/** Whose reviews count, and for which head. Pure. */
import type { Review } from '../../core/github/github.ts';

export interface ReviewFacts {
  /** Reviews by trusted people, oldest first. */
  trusted: Review[];
  /** Heads that a trusted person approved, carried over our own clean merges of the base. */
  approvedShas: string[];
}

/** The newest opinion of each trusted reviewer; a mere comment changes none. */
export function newestOpinions(reviews: readonly Review[]): Review[] {
  const newest = new Map<number, Review>();
  for (const review of reviews) if (review.state !== 'commented') newest.set(review.author.id, review);
  return [...newest.values()];
}

/** Why a review stands in the way; `undefined` when none does. */
export function blockingReview(facts: ReviewFacts): string | undefined {
  const wants = newestOpinions(facts.trusted).find((review) => review.state === 'changes_requested');
  return wants && `${wants.author.login} asked for changes; push them, or dismiss the review by approving`;
}
