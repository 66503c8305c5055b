using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>An RSA key in the emulator's state: the lengths of modulus, exponent and first prime, then these.</summary>
internal struct EmulatorRsa : IWireStructure<EmulatorRsa>
{
    private const int LongestPrime = 256;

    public ReadOnlyMemory<byte> Modulus;
    public ReadOnlyMemory<byte> Exponent;
    public Secret? Prime;

    public readonly bool IsKey => !Modulus.IsEmpty;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorRsa value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        ushort modulus = 0, exponent = 0, prime = 0;
        wire.UInt16(ref modulus);
        wire.UInt16(ref exponent);
        wire.UInt16(ref prime);
        if (prime > LongestPrime) wire.Fault(TpmResult.BadParamSize);
        wire.Run(ref value.Modulus, modulus);
        wire.Run(ref value.Exponent, exponent);
        if (prime is > 0 and <= LongestPrime) wire.FixedSecret(ref value.Prime, prime);
    }

    /// <summary>The parameters that the key had when it was made: its exponent is only named where it is another than usual.</summary>
    public readonly TpmKeyParms Parameters(TpmEncScheme encScheme, TpmSigScheme sigScheme)
    {
        var rsa = new TpmRsaKeyParms { KeyLength = (uint)Modulus.Length * 8, NumPrimes = 2 };
        if (!Exponent.Span.SequenceEqual(UsualExponent)) rsa.Exponent = Exponent;
        return new TpmKeyParms { AlgorithmId = TpmAlgorithmId.Rsa, EncScheme = encScheme, SigScheme = sigScheme, Parms = WireFormat.ToBytes(rsa) };
    }

    /// <summary>65537.</summary>
    private static ReadOnlySpan<byte> UsualExponent => [0x01, 0x00, 0x01];
}

/// <summary>
/// A key in a slot, or the SRK, in the emulator's state: what TPM_KEY says of it, less what encrypts its private half for the outside. A payload of 0
/// is none, and all that there is.
/// </summary>
internal struct EmulatorKey : IWireStructure<EmulatorKey>
{
    /// <summary>The emulator's own flag, beside those of TPM_KEY_FLAGS: PCR information follows.</summary>
    private const uint HasPcrInfo = 0x10000000;

    public TpmPayloadType Payload;
    public TpmKeyUsage Usage;
    public uint Flags;
    public TpmKeyControl Control;
    public TpmAuthDataUsage AuthDataUsage;
    public TpmEncScheme EncScheme;
    public TpmSigScheme SigScheme;
    public Secret? UsageAuth;
    public Secret? MigrationAuth;
    public EmulatorPcrInfo PcrInfo;
    public bool ParentPcrStatus;
    public EmulatorRsa Rsa;

    public readonly bool IsKey => Payload != 0;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        byte payload = 0;
        wire.UInt8(ref payload);
        value.Payload = (TpmPayloadType)payload;
        if (payload == 0) return;
        wire.Enum(ref value.Usage);
        wire.UInt32(ref value.Flags);
        wire.Enum(ref value.Control);
        wire.Enum(ref value.AuthDataUsage);
        wire.Enum(ref value.EncScheme);
        wire.Enum(ref value.SigScheme);
        wire.FixedSecret(ref value.UsageAuth);
        wire.FixedSecret(ref value.MigrationAuth);
        if ((value.Flags & HasPcrInfo) != 0) wire.Structure(ref value.PcrInfo);
        wire.Bool(ref value.ParentPcrStatus);
        wire.Structure(ref value.Rsa);
    }

    /// <summary>The key as this engine has it. Nobody needs its encrypted half, which whoever made it has.</summary>
    public readonly KeyImage ToImage(uint handle) => new()
    {
        Handle = handle,
        Key = new TpmKey
        {
            Ver = PcrInfo.IsLong ? TpmKey.Tag12 : TpmKey.Version11,
            KeyUsage = Usage,
            KeyFlags = (TpmKeyFlags)(Flags & ~HasPcrInfo),
            AuthDataUsage = AuthDataUsage,
            AlgorithmParms = Rsa.Parameters(EncScheme, SigScheme),
            PcrInfo = PcrInfo.Bytes,
            PubKey = new TpmStorePubKey { Key = Rsa.Modulus },
        },
        UsageAuth = UsageAuth,
        MigrationAuth = MigrationAuth,
        Payload = Payload,
        Prime = Rsa.Prime,
        ParentPcrStatus = ParentPcrStatus,
        OwnerEvict = (Control & TpmKeyControl.OwnerEvict) != 0,
    };
}

/// <summary>TPM_PCR_INFO_LONG where it begins with that tag, and else TPM_PCR_INFO, which begins with the size of its selection.</summary>
internal struct EmulatorPcrInfo : IWireStructure<EmulatorPcrInfo>
{
    public bool IsLong;
    public ReadOnlyMemory<byte> Bytes;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorPcrInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        ushort first = 0;
        wire.UInt16(ref first);
        value.IsLong = first == (ushort)TpmStructureTag.PcrInfoLong;
        if (value.IsLong)
        {
            var info = new TpmPcrInfoLong();
            wire.Enum(ref info.LocalityAtCreation);
            wire.Enum(ref info.LocalityAtRelease);
            wire.Structure(ref info.CreationPcrSelection);
            wire.Structure(ref info.ReleasePcrSelection);
            TpmDigest.Describe(ref wire, ref info.DigestAtCreation);
            TpmDigest.Describe(ref wire, ref info.DigestAtRelease);
            value.Bytes = WireFormat.ToBytes(info);
        }
        else
        {
            ReadOnlyMemory<byte> rest = default;
            wire.Run(ref rest, first + 2 * TpmDigest.Size);
            value.Bytes = (byte[])[(byte)(first >> 8), (byte)first, .. rest.Span];
        }
    }
}
