import { openHarness } from '../core/github/octokit/harness.ts';
import { describeGitHub } from './github.ts';

describeGitHub('GitHub', openHarness);
