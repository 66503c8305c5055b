using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The files that go between a manager and an authority when a group is registered or recovered: a magic of eight bytes, then structures.
/// </summary>
public static class RecoveryFiles
{
    /// <summary>"vTPM": what all of them begin with.</summary>
    private const uint Magic = 0x7654504D;

    /// <exception cref="ApprovalException">It is another file.</exception>
    public static T Read<T>(ReadOnlySpan<byte> file, string what)
        where T : struct, IWireStructure<T> =>
        WireFormat.Read(file, out T value) == TpmResult.Success ? value : throw new ApprovalException($"these {file.Length} bytes are not {what}");

    /// <summary>What all of them begin with, and four bytes that tell which it is.</summary>
    internal static void Header<TCodec>(ref TCodec wire, uint kind)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Constant(Magic);
        wire.Constant(kind);
    }
}

/// <summary>An identity key of a hardware TPM that is to vouch for it, as TPM_MakeIdentity made it.</summary>
public struct IdentityFile : IWireStructure<IdentityFile>
{
    public TpmKey Key;
    public ReadOnlyMemory<byte> Binding;

    public static void Describe<TCodec>(ref TCodec wire, ref IdentityFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x69646B31);   // "idk1"
        wire.Structure(ref value.Key);
        wire.Sized32(ref value.Binding);
    }
}

/// <summary>
/// From the authority to the manager: a nonce, and a challenge that only the TPM of a certain endorsement key, having that identity, answers.
/// </summary>
public struct RecoveryRequestFile : IWireStructure<RecoveryRequestFile>
{
    public TpmNonce Nonce;

    /// <summary>TPM_ASYM_CA_CONTENTS, encrypted to the endorsement key.</summary>
    public ReadOnlyMemory<byte> Challenge;

    public static void Describe<TCodec>(ref TCodec wire, ref RecoveryRequestFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x72637131);   // "rcq1"
        wire.Structure(ref value.Nonce);
        wire.Sized32(ref value.Challenge);
    }
}

/// <summary>From the manager to the authority: the challenge's answer, and GROUP_RECOVER1's.</summary>
public struct RecoveryAnswerFile : IWireStructure<RecoveryAnswerFile>
{
    public Guid GroupUuid;

    /// <summary>What was in the challenge.</summary>
    public TpmSymmetricKey Proof;

    /// <summary>What the quote is of.</summary>
    public VtpmPlatform Platform;
    public VtpmGroupRecover1Response Response;

    public static void Describe<TCodec>(ref TCodec wire, ref RecoveryAnswerFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x72636131);   // "rca1"
        wire.Uuid(ref value.GroupUuid);
        wire.Structure(ref value.Proof);
        wire.Structure(ref value.Platform);
        wire.Structure(ref value.Response);
    }
}

/// <summary>From the authority to the manager: what GROUP_RECOVER2 takes. Only the manager that asked can use it, once.</summary>
public struct RecoveryReplyFile : IWireStructure<RecoveryReplyFile>
{
    public Guid GroupUuid;
    public ReadOnlyMemory<byte> Dhkx2;
    public ReadOnlyMemory<byte> RecoverBlob;

    public static void Describe<TCodec>(ref TCodec wire, ref RecoveryReplyFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x72637231);   // "rcr1"
        wire.Uuid(ref value.GroupUuid);
        wire.Exact(ref value.Dhkx2, DiffieHellman.Size);
        wire.Exact(ref value.RecoverBlob, GroupRecoveryKeys.Size);
    }
}

/// <summary>What the authority keeps meanwhile: what is in the challenge, and for which key and nonce it is. A secret.</summary>
internal struct RecoverySecretFile : IWireStructure<RecoverySecretFile>
{
    public TpmNonce Nonce;
    public ReadOnlyMemory<byte> AikModulus;
    public TpmSymmetricKey Proof;

    public static void Describe<TCodec>(ref TCodec wire, ref RecoverySecretFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x72637331);   // "rcs1"
        wire.Structure(ref value.Nonce);
        wire.Exact(ref value.AikModulus, AuthorityModulus.Size);
        wire.Structure(ref value.Proof);
    }
}
