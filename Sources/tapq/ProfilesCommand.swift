import ArgumentParser
import Foundation
import HardwareProfiles
import Pipeline

struct ProfilesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profiles", abstract: "Hardware profiles.", subcommands: [Calibrate.self])

  struct Calibrate: ParsableCommand {
    @Option var samples: String?
    @Option var output: String
    @Option var seconds: Double = 60
    func run() throws {
      let result = try ProfileCalibration.measure(threads: [1, 2], seconds: seconds) { _, _ in }
      if let samples {
        try JSONEncoder().encode(result.samples).write(to: URL(fileURLWithPath: samples))
      }
      let (profile, fit) = ProfileCalibration.fit(result, name: "host", title: "host")
      try JSONEncoder().encode(profile).write(to: URL(fileURLWithPath: output))
      print(fit.medianError, result.overhead)
    }
  }
}
