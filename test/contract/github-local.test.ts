import { openHarness } from '../core/github/local/harness.ts';
import { describeGitHub } from './github.ts';

describeGitHub('the local forge', openHarness);
