using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Identity;

public struct ActivateIdentityRequest : IWireStructure<ActivateIdentityRequest>
{
    public uint IdKeyHandle;

    /// <summary>A TPM_EK_BLOB or a TPM_ASYM_CA_CONTENTS, encrypted with the endorsement key.</summary>
    public ReadOnlyMemory<byte> Blob;

    public static void Describe<TCodec>(ref TCodec wire, ref ActivateIdentityRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.IdKeyHandle);
        wire.Sized32(ref value.Blob);
    }
}

public struct ActivateIdentityResponse : IWireStructure<ActivateIdentityResponse>
{
    public TpmSymmetricKey SymmetricKey;

    public static void Describe<TCodec>(ref TCodec wire, ref ActivateIdentityResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.SymmetricKey);
}

/// <summary>
/// <c>TPM_ActivateIdentity</c>, Part 3 §15.2: releases the session key that a privacy CA has encrypted a credential with, if the credential is for an
/// identity of this TPM.
/// </summary>
public sealed class ActivateIdentity()
    : TpmCommand<ActivateIdentityRequest, ActivateIdentityResponse>(
        TpmOrdinal.ActivateIdentity, Sessions.One | Sessions.Two, Availability.Owned, Duration.Medium, audit: Audit.Default, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in ActivateIdentityRequest request, ref ActivateIdentityResponse response)
    {
        if (tpm.UseKey(request.IdKeyHandle, out LoadedKey idKey).Failed(out TpmResult error)) return error;
        if (tpm.AuthorizeOwner().Failed(out error)) return error;
        if (idKey.Usage != TpmKeyUsage.Identity) return BadParameter;
        if (tpm.PermanentData.EndorsementKey is not { } ek) return NoEndorsement;
        if (tpm.DecryptBytes(ek, request.Blob, out ReadOnlyMemory<byte> blob).Failed(out error)) return error;
        TpmDigest idDigest = WireFormat.Digest(idKey.Key.ToPubKey());
        // Action 6: a TPM_ASYM_CA_CONTENTS has no tag, but begins with the number of an algorithm, whose upper half is zero.
        bool isEKBlob = blob.Length >= 2 && BinaryPrimitives.ReadUInt16BigEndian(blob.Span) == (ushort)TpmStructureTag.EKBlob;
        return isEKBlob
            ? OpenEKBlob(tpm, blob.Span, idDigest, out response.SymmetricKey)
            : OpenAsymCAContents(tpm, blob.Span, idDigest, out response.SymmetricKey);
    }

    /// <summary>Action 7: the form of version 1.1.</summary>
    private static TpmResult OpenAsymCAContents(CommandContext tpm, ReadOnlySpan<byte> blob, in TpmDigest idDigest, out TpmSymmetricKey key)
    {
        key = default;
        if (WireFormat.Read(blob, out TpmAsymCAContents contents, tpm.Scratch) != Success || contents.IdDigest != idDigest) return BadParameter;
        key = contents.SessionKey;
        return Success;
    }

    /// <summary>Action 8: the form of version 1.2, which may name PCRs and localities.</summary>
    private static TpmResult OpenEKBlob(CommandContext tpm, ReadOnlySpan<byte> blob, in TpmDigest idDigest, out TpmSymmetricKey key)
    {
        key = default;
        if (WireFormat.Read(blob, out TpmEKBlob ekBlob, tpm.Scratch) != Success) return BadParameter;
        if (ekBlob.EKType != TpmEKType.Activate) return BadType;
        if (WireFormat.Read(ekBlob.Blob.Span, out TpmEKBlobActivate activate, tpm.Scratch) != Success || activate.IdDigest != idDigest) return BadParameter;
        if (CheckConfiguration(tpm, activate.PcrInfo).Failed(out TpmResult error)) return error;
        key = activate.SessionKey;
        return Success;
    }

    /// <summary>Actions 8d and 8e. The selection may be missing altogether.</summary>
    private static TpmResult CheckConfiguration(CommandContext tpm, in TpmPcrInfoShort info) =>
        PcrBinding.IsValid(info) ? PcrBinding.Of(info).Check(tpm.State.Pcrs, tpm.LocalityBit) : InvalidPcrInfo;
}
