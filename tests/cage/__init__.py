# SPDX-License-Identifier: Apache-2.0
"""The worker that was taken over: what its native code tries, and what stops it (THREATS.md G2)."""
