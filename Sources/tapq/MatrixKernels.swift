import COpenBLAS
import Foundation

/// OpenBLAS chooses its kernels while it is loaded, by the processors that it knows.
enum MatrixKernels {
  /// Its own variable: who sets it has chosen.
  private static let variable = "OPENBLAS_CORETYPE"

  /// Where better ones are there than OpenBLAS chose, starts the process over with those; does not return
  /// then. To be called before anything else is done.
  static func chooseWidest() {
    guard getenv(variable) == nil, let chosen = openblas_get_corename(),
      let wider = openblas_wider_core(chosen)
    else { return }
    setenv(variable, wider, 1)
    // The link itself would name the process "exe".
    let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    execv(path, CommandLine.unsafeArgv)
  }
}
