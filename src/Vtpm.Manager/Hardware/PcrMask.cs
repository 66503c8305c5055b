using System.Buffers.Binary;
using System.Numerics;
using Vtpm.Client.Attestation;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>PCRs as the manager's image has them, bit n for PCR n, and as the TPM has them: a TPM_PCR_SELECTION of three bytes.</summary>
public static class PcrMask
{
    /// <summary>As many as a selection of three bytes names, and a TPM 1.2 of the PC Client profile has.</summary>
    public const int PcrCount = 24;

    public static TpmPcrSelection ToSelection(uint mask)
    {
        byte[] select = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(select, mask);
        return new TpmPcrSelection { PcrSelect = select.AsMemory(0, PcrCount / 8) };
    }

    /// <summary>False for a selection that names more PCRs than there are.</summary>
    public static bool TryFromSelection(TpmPcrSelection selection, out uint mask)
    {
        mask = 0;
        if (selection.PcrSelect.Length > sizeof(uint)) return false;
        for (int i = 0; i < selection.PcrSelect.Length; i++) mask |= (uint)selection.PcrSelect.Span[i] << (8 * i);
        return mask >> PcrCount == 0;
    }

    public static IEnumerable<int> Pcrs(uint mask) => Enumerable.Range(0, PcrCount).Where(pcr => (mask >> pcr & 1) == 1);

    /// <summary>The composite hash (Part 2 §8.2) of the selected PCRs, their values given by number.</summary>
    public static TpmDigest Composite(uint mask, Func<int, TpmDigest> valueOf)
    {
        byte[] values = new byte[TpmDigest.Size * BitOperations.PopCount(mask)];
        int offset = 0;
        foreach (int pcr in Pcrs(mask))
        {
            valueOf(pcr).ReadOnlySpan.CopyTo(values.AsSpan(offset));
            offset += TpmDigest.Size;
        }

        return WireFormat.Digest(new TpmPcrComposite { Select = ToSelection(mask), PcrValue = values });
    }

    /// <summary>For people: <c>0-7,17-19</c>.</summary>
    public static string Describe(uint mask) => PcrList.Describe(mask);
}
