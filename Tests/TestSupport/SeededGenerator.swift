public import Tensors

/// The same numbers for a seed on every machine.
public typealias SeededGenerator = SplitMix64
