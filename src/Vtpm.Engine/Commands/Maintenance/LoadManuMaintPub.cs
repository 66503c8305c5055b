using System.Security.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Maintenance;

public struct LoadManuMaintPubRequest : IWireStructure<LoadManuMaintPubRequest>
{
    public TpmNonce AntiReplay;
    public TpmPubKey PubKey;

    public static void Describe<TCodec>(ref TCodec wire, ref LoadManuMaintPubRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
        wire.Structure(ref value.PubKey);
    }
}

public struct ManuMaintPubResponse : IWireStructure<ManuMaintPubResponse>
{
    /// <summary>SHA-1 of the key and the nonce.</summary>
    public TpmDigest Checksum;

    public static void Describe<TCodec>(ref TCodec wire, ref ManuMaintPubResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.Checksum);
}

/// <summary>
/// <c>TPM_LoadManuMaintPub</c>, Part 3 §12.4: the manufacturer's key, to which archives go and from which they come. Once and for all; a key of
/// zeroes is the word of a manufacturer that there will be no maintenance.
/// </summary>
public sealed class LoadManuMaintPub()
    : TpmCommand<LoadManuMaintPubRequest, ManuMaintPubResponse>(
        TpmOrdinal.LoadManuMaintPub, Sessions.None, Availability.NoOwner, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in LoadManuMaintPubRequest request, ref ManuMaintPubResponse response)
    {
        if (tpm.PermanentData.ManuMaintPub is not null) return DisabledCmd;
        if (!IsNull(request.PubKey) && Check(request.PubKey).Failed(out TpmResult error)) return error;
        tpm.PermanentData = tpm.PermanentData with { ManuMaintPub = request.PubKey };
        response.Checksum = Checksum(request.PubKey, request.AntiReplay);
        return Success;
    }

    /// <summary>The key, for the commands that need one.</summary>
    /// <returns>TPM_KEYNOTFOUND when there is none, or the one of zeroes.</returns>
    internal static TpmResult Find(CommandContext tpm, out TpmPubKey manuMaintPub)
    {
        manuMaintPub = tpm.PermanentData.ManuMaintPub ?? default;
        return IsNull(manuMaintPub) ? KeyNotFound : Success;
    }

    /// <summary>The key that stands for none.</summary>
    private static bool IsNull(in TpmPubKey pubKey) => !WireFormat.ToBytes(pubKey).AsSpan().ContainsAnyExcept((byte)0);

    internal static TpmDigest Checksum(in TpmPubKey pubKey, in TpmNonce antiReplay)
    {
        TpmDigest checksum = default;
        SHA1.HashData([.. WireFormat.ToBytes(pubKey), .. antiReplay.ReadOnlySpan], checksum.Span);
        return checksum;
    }

    /// <summary>The description: no weaker than RSA of 2048 bits. And it must encrypt as §12.1 action 12 says.</summary>
    private static TpmResult Check(in TpmPubKey pubKey)
    {
        if (MigrationDestination.CheckStrength(pubKey).Failed(out TpmResult error)) return error;
        TpmKeyParms parms = pubKey.AlgorithmParms;
        bool encrypts = parms.EncScheme == TpmEncScheme.RsaesOaepSha1Mgf1;
        return encrypts && parms.SigScheme is TpmSigScheme.None or TpmSigScheme.RsaSsaPkcs1V15Sha1 ? Success : BadKeyProperty;
    }
}
