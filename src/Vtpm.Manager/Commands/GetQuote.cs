using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GETQUOTE</c>: the hardware TPM, by the identity key of the vTPM's group, quotes its PCRs together with the vTPM's nonce and what the
/// flags ask to be said about the vTPM.
/// </summary>
internal sealed class GetQuote() : ManagerCommand<VtpmGetQuoteRequest, VtpmGetQuoteResponse>(VtpmManagerOrdinal.GetQuote)
{
    private const VtpmQuoteFlags Known = VtpmQuoteFlags.HashUuid | VtpmQuoteFlags.VtpmMeasurements | VtpmQuoteFlags.GroupInfo | VtpmQuoteFlags.GroupPubkey;

    /// <summary>VTPM_INVALID_REQUEST: the number is TPM_CLEAR_DISABLED's.</summary>
    private const TpmResult InvalidRequest = TpmResult.ClearDisabled;

    private const int SignatureSize = 256;

    /// <summary>Whether the hardware has so many PCRs it says itself; a longer one would not fit into a command beside the rest.</summary>
    private const int LongestSelection = 32;

    protected override TpmResult Execute(in ManagerContext manager, in VtpmGetQuoteRequest request, ref VtpmGetQuoteResponse response)
    {
        if (manager.Link.Vtpm is not { } vtpm) return TpmResult.BadParameter;
        if ((request.Flags & ~Known) != 0) return InvalidRequest;
        if (request.PcrSelection.PcrSelect.Length > LongestSelection) return TpmResult.BadParameter;
        if (!manager.CanSpeakFor(vtpm.Group, "GetQuote")) return TpmResult.Fail;

        byte[] hashes = Hashes(vtpm, manager.Link.KernelHash, request.Flags);
        (TpmPcrComposite pcrs, byte[] signature) = manager.Hardware.Quote(vtpm.Group, ExternalData(request, hashes), request.PcrSelection);
        if (signature.Length != SignatureSize) return TpmResult.Fail;
        response.Signature = signature;
        response.HashesAndPcrValues = (byte[])[.. hashes, .. pcrs.PcrValue.Span];
        return TpmResult.Success;
    }

    private static byte[] Hashes(ManagerVtpm vtpm, TpmDigest kernelHash, VtpmQuoteFlags flags)
    {
        var hashes = new List<byte>();
        ManagerGroup group = vtpm.Group;
        Add(VtpmQuoteFlags.HashUuid, vtpm.Uuid.ToByteArray(bigEndian: true));
        Add(VtpmQuoteFlags.VtpmMeasurements, kernelHash.ReadOnlySpan);
        Add(VtpmQuoteFlags.GroupInfo, [.. group.SaaModulus.Span, .. WireFormat.ToBytes(group.ToConfigList())]);
        Add(VtpmQuoteFlags.GroupPubkey, group.SaaModulus.Span);
        return [.. hashes];

        void Add(VtpmQuoteFlags flag, ReadOnlySpan<byte> hashed)
        {
            if ((flags & flag) != 0) hashes.AddRange(SHA1.HashData(hashed));
        }
    }

    /// <summary>SHA-1 over the flags, little-endian as the original's host has them, the nonce and the hashes.</summary>
    private static TpmDigest ExternalData(in VtpmGetQuoteRequest request, byte[] hashes)
    {
        Span<byte> flags = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(flags, (uint)request.Flags);
        return TpmDigest.Of([.. flags, .. request.Nonce.ReadOnlySpan, .. hashes]);
    }
}
