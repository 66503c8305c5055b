using System.Globalization;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>A platform as the original's calc.pl has it on its command line: <c>0e00ff=COMPOSITE</c>.</summary>
public static class PlatformText
{
    public static string Argument(uint pcrMask, TpmDigest composite) => string.Create(CultureInfo.InvariantCulture, $"{pcrMask:x6}={composite}");

    public static string Argument(PlatformConfiguration platform) => Argument(platform.PcrMask, platform.DigestRelease);

    public static string Argument(VtpmPlatform platform) => PcrList.TryFromSelection(platform.PcrSelection, out uint mask)
        ? Argument(mask, platform.Composite)
        : $"(PCRs beyond 23)={platform.Composite}";

    /// <summary>For people: with the PCRs in words.</summary>
    public static string Of(uint pcrMask, TpmDigest composite) => $"{Argument(pcrMask, composite)}  PCRs {PcrList.Describe(pcrMask)}";

    /// <summary>For people: with the PCRs in words.</summary>
    public static string Of(VtpmPlatform platform) =>
        PcrList.TryFromSelection(platform.PcrSelection, out uint mask) ? Of(mask, platform.Composite) : Argument(platform);
}
