# SPDX-License-Identifier: Apache-2.0
"""The durability harness: clients that write down what they were told, faults of many kinds, and a checker that compares.

docs/internals/durability.md says what is promised, how faults are made and what the counts mean.
"""
