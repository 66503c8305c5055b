using System.Collections.Immutable;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Boot;

/// <summary>
/// What a guest starts with, measured as pv-grub did: the kernel into PCR 4, then the command line and the initrd into PCR 5. Without an initrd nothing
/// is measured in its place, as an initrd of no bytes.
/// </summary>
public sealed record MeasuredBoot(TpmDigest Kernel, TpmDigest CommandLine, TpmDigest Initrd)
{
    public const int KernelPcr = 4;

    public const int ArgumentsPcr = 5;

    /// <summary>In the order in which they are extended.</summary>
    public ImmutableArray<BootMeasurement> Measurements =>
        [new(KernelPcr, Kernel), new(ArgumentsPcr, CommandLine), new(ArgumentsPcr, Initrd)];

    /// <summary>The PCRs of a TPM that has just been started, after this.</summary>
    public ImmutableSortedDictionary<int, TpmDigest> FreshPcrs
    {
        get
        {
            ImmutableSortedDictionary<int, TpmDigest> pcrs = ImmutableSortedDictionary<int, TpmDigest>.Empty;
            foreach (BootMeasurement measurement in Measurements)
                pcrs = pcrs.SetItem(measurement.Pcr, pcrs.GetValueOrDefault(measurement.Pcr).Extend(measurement.Digest.ReadOnlySpan));
            return pcrs;
        }
    }

    /// <summary>The command line as bytes, without an end.</summary>
    public static TpmDigest Of(ReadOnlyMemory<byte> commandLine) => TpmDigest.Of(commandLine.Span);

    /// <summary>Extends a TPM.</summary>
    /// <returns>The PCRs as the TPM then has them.</returns>
    /// <exception cref="TpmException">It refuses: then the guest must not be started.</exception>
    public ImmutableSortedDictionary<int, TpmDigest> Extend(TpmClient tpm)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        ImmutableSortedDictionary<int, TpmDigest> pcrs = ImmutableSortedDictionary<int, TpmDigest>.Empty;
        foreach (BootMeasurement measurement in Measurements)
            pcrs = pcrs.SetItem(measurement.Pcr, tpm.Extend((uint)measurement.Pcr, measurement.Digest));
        return pcrs;
    }
}
