using System.Security.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Commands.NonVolatileStorage;

/// <summary>PCR information as a client makes it.</summary>
internal static class NvPcrs
{
    /// <summary>The registers as they are: SHA-1 of selection, size of the values, values (Part 2 §5.4.1), put together here.</summary>
    public static TpmPcrInfoShort Now(TestTpm tpm, params int[] pcrs)
    {
        TpmPcrSelection selection = TpmPcrSelection.Of(pcrs);
        byte[] values = [.. pcrs.Order().SelectMany(pcr => tpm.State.Pcrs[pcr].ReadOnlySpan.ToArray())];
        byte[] composite = [0, 3, .. selection.PcrSelect.Span, 0, 0, 0, (byte)values.Length, .. values];
        return new TpmPcrInfoShort
        {
            PcrSelection = selection,
            LocalityAtRelease = TpmLocalitySelection.All,
            DigestAtRelease = new TpmDigest(SHA1.HashData(composite)),
        };
    }
}
