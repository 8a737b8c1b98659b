import CFloatKernels

extension FloatEngine {
  /// The instruction set that the kernels use on this machine.
  public static var instructionSet: String { String(cString: fk_instruction_set()) }
}
