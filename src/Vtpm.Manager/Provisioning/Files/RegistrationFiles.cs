using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>From the authority to the manager: half of an exchange, signed.</summary>
public struct RegistrationRequestFile : IWireStructure<RegistrationRequestFile>
{
    public ReadOnlyMemory<byte> Dhkx1;
    public ReadOnlyMemory<byte> Signature;

    public static void Describe<TCodec>(ref TCodec wire, ref RegistrationRequestFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x72677131);   // "rgq1"
        wire.Exact(ref value.Dhkx1, DiffieHellman.Size);
        wire.Exact(ref value.Signature, Rsa2048.Size);
    }
}

/// <summary>From the manager to the authority: the other half, the group's keys masked by both, and the hardware's word on the platform.</summary>
public struct RegistrationAnswerFile : IWireStructure<RegistrationAnswerFile>
{
    public Guid GroupUuid;

    /// <summary>What the quote is of.</summary>
    public VtpmPlatform Platform;
    public VtpmGroupRegisterResponse Response;

    public static void Describe<TCodec>(ref TCodec wire, ref RegistrationAnswerFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x72676131);   // "rga1"
        wire.Uuid(ref value.GroupUuid);
        wire.Structure(ref value.Platform);
        wire.Structure(ref value.Response);
    }
}

/// <summary>What the authority keeps meanwhile: its exponent. A secret.</summary>
internal struct RegistrationSecretFile : IWireStructure<RegistrationSecretFile>
{
    public ReadOnlyMemory<byte> Exponent;

    public static void Describe<TCodec>(ref TCodec wire, ref RegistrationSecretFile value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        RecoveryFiles.Header(ref wire, 0x72677331);   // "rgs1"
        wire.Exact(ref value.Exponent, DiffieHellman.Size);
    }
}
