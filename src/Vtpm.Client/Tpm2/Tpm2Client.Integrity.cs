using System.Numerics;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>TPM 2.0 Part 3 §22: PCRs.</content>
public sealed partial class Tpm2Client
{
    /// <summary>The longest TPML_DIGEST.</summary>
    private const int MostDigests = 8;

    private const int MostReadings = 16;

    /// <summary>
    /// <c>TPM2_PCR_Read</c>, Part 3 §22.4: the values of the selected PCRs in their order, all of one moment, in as many commands as it takes.
    /// </summary>
    /// <exception cref="Tpm2ProtocolException">There is no such bank, or PCR in it.</exception>
    public byte[][] PcrRead(TpmAlgId bank, uint mask)
    {
        for (int reading = 0; reading < MostReadings; reading++)
        {
            var values = new List<byte[]>();
            uint counter = 0;
            bool steady = true;
            for (uint left = mask; left != 0 && steady;)
            {
                (uint update, uint read, byte[][] some) = PcrReadOnce(bank, left);
                steady = values.Count == 0 || update == counter;
                counter = update;
                values.AddRange(some);
                left &= ~read;
            }

            if (steady) return [.. values];
        }

        throw new Tpm2ProtocolException(TpmCc.PcrRead, "PCRs change faster than they can be read");
    }

    /// <summary><c>TPM2_PCR_Extend</c>, Part 3 §22.2: a digest for each of the banks.</summary>
    public void PcrExtend(uint pcr, Tpm2Session session, IReadOnlyDictionary<TpmAlgId, byte[]> digests)
    {
        ArgumentNullException.ThrowIfNull(digests);
        Tpm2Request request = Begin(TpmCc.PcrExtend, Tpm2Entity.OfHandle(pcr));
        request.UInt32((uint)digests.Count);
        foreach ((TpmAlgId hash, byte[] digest) in digests)
        {
            request.UInt16((ushort)hash);
            request.Bytes(digest);
        }

        Execute(request, session);
    }

    private (uint UpdateCounter, uint Read, byte[][] Values) PcrReadOnce(TpmAlgId bank, uint mask)
    {
        Tpm2Request request = Begin(TpmCc.PcrRead);
        request.Structure(TpmlPcrSelection.Of(bank, mask));
        (uint counter, TpmlPcrSelection selection, Tpm2bDigest[] values) = Execute(request, static (uint _, ref WireReader reader) =>
        {
            uint update = UInt32(ref reader);
            TpmlPcrSelection selected = Structure<TpmlPcrSelection>(ref reader);
            Tpm2bDigest[] digests = [];
            reader.List32(ref digests, MostDigests);
            return (update, selected, digests);
        });
        uint read = selection.PcrSelections.Where(item => item.Hash == bank).Aggregate(0u, (all, item) => all | item.Mask);
        if (read == 0 || (read & ~mask) != 0 || BitOperations.PopCount(read) != values.Length || values.Any(value => value.Buffer.Length != bank.Size()))
            throw new Tpm2ProtocolException(TpmCc.PcrRead, $"it is not about the PCRs 0x{mask:x6} of bank TPM_ALG_{bank}");
        return (counter, read, [.. values.Select(value => value.Buffer.ToArray())]);
    }
}
