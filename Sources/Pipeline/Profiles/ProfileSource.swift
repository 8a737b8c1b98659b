import Foundation
public import HardwareProfiles

public enum ProfileSource {
  public static func load(_ name: String) throws -> HardwareProfile {
    try JSONDecoder().decode(
      HardwareProfile.self, from: Data(contentsOf: URL(fileURLWithPath: name)))
  }
}
