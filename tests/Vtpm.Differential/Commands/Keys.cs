using System.Security.Cryptography;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>A key made outside, of a fixed key pair, that each side gets wrapped for a parent of its own.</summary>
public sealed record OutsideKey
{
    private static readonly byte[][] Pairs2048 = Read(2048, 8);
    private static readonly byte[][] Pairs1024 = Read(1024, 4);

    public required TpmKeyUsage Usage { get; init; }

    public required byte[] UsageAuth { get; init; }

    public byte[] MigrationAuth { get; init; } = Secrets.Migration;

    /// <summary>Which of the fixed key pairs.</summary>
    public int Pair { get; init; }

    public int Bits { get; init; } = 2048;

    public TpmKeyFlags Flags { get; init; } = TpmKeyFlags.Migratable;

    public TpmAuthDataUsage AuthDataUsage { get; init; } = TpmAuthDataUsage.Always;

    public TpmEncScheme? EncScheme { get; init; }

    public TpmSigScheme? SigScheme { get; init; }

    public byte[] PcrInfo { get; init; } = [];

    public TpmPayloadType Payload { get; init; } = TpmPayloadType.Asym;

    /// <summary>The digest of the public part is that of another.</summary>
    public bool HasWrongDigest { get; init; }

    /// <summary>TPM_KEY12 instead of TPM_KEY.</summary>
    public bool IsKey12 { get; init; }

    public byte[] Modulus => (Bits == 2048 ? Pairs2048 : Pairs1024)[Pair % (Bits == 2048 ? 8 : 4)];

    public override string ToString() =>
        $"{Usage} {Bits} {Flags} {AuthDataUsage}{(IsKey12 ? " KEY12" : "")}{(PcrInfo.Length > 0 ? " PCRs" : "")}"
        + $"{(EncScheme is null ? "" : $" {EncScheme}")}{(SigScheme is null ? "" : $" {SigScheme}")}"
        + $"{(Payload == TpmPayloadType.Asym ? "" : $" payload {Payload}")}{(HasWrongDigest ? " wrong digest" : "")}";

    public TpmKey PublicPart()
    {
        TpmKey key = TestTpm.KeyInfo(Usage, Flags, Bits, IsKey12 ? TpmKey.Tag12 : TpmKey.Version11);
        TpmKeyParms parms = key.AlgorithmParms;
        return key with
        {
            AuthDataUsage = AuthDataUsage,
            AlgorithmParms = parms with { EncScheme = EncScheme ?? parms.EncScheme, SigScheme = SigScheme ?? parms.SigScheme },
            PcrInfo = PcrInfo,
            PubKey = new TpmStorePubKey { Key = Modulus },
        };
    }

    /// <summary>TPM_KEY for a parent of this side.</summary>
    public byte[] WrapFor(RequestWriter request, int parent)
    {
        TpmKey key = PublicPart();
        byte[] digest = SHA1.HashData(WireFormat.ToBytes(key)[..^4]);
        if (HasWrongDigest) digest[0] ^= 1;
        byte[] prime = FixedRsa.PrimeOf(Modulus);
        byte[] asymKey = [(byte)Payload, .. UsageAuth, .. MigrationAuth, .. digest, 0, 0, 0, (byte)prime.Length, .. prime];
        return WireFormat.ToBytes(key with { EncData = request.EncryptFor(parent, asymKey) });
    }

    private static byte[][] Read(int bits, int count)
    {
        var rsa = new FixedRsa();
        return [.. Enumerable.Range(0, count).Select(_ => rsa.Generate(bits).Modulus.ToArray())];
    }
}

/// <summary>Storage (Part 3 §10) and the keys of other chapters.</summary>
public static class Keys
{
    public static string Name(int key) => key switch
    {
        SideMemory.Srk => "SRK",
        SideMemory.Ek => "EK",
        _ => $"key {key}",
    };

    public static CommandStep LoadOutside(OutsideKey outside, int parent, int number, SessionUse? auth) =>
        Load2(
            $"{outside} under {Name(parent)} → key {number}", request => request.Own(outside.WrapFor(request, parent)), parent, number, outside.Modulus, auth);

    public static CommandStep LoadBlob(int blob, int parent, int number, SessionUse? auth) =>
        Load2($"blob {blob} under {Name(parent)} → key {number}", request => request.Blob(blob), parent, number, null, auth, blob);

    private static CommandStep Load2(
        string words, Action<RequestWriter> key, int parent, int number, byte[]? modulus, SessionUse? auth, int? blob = null) => new(TpmOrdinal.LoadKey2, words)
        {
            Handles = request => request.Key(parent),
            Parameters = key,
            Sessions = auth is null ? [] : [auth],
            OutHandles = 1,
            Answer = answer =>
            {
                answer.Memory.Keys[number] = answer.OwnHandle("inkeyHandle");
                answer.Memory.Moduli[number] = modulus ?? answer.Memory.Modulus(blob!.Value);
                if (modulus is not null) answer.Memory.OutsideKeys.Add(number);
            },
        };

    public static CommandStep Create(OutsideKey info, int parent, int blob, SessionUse auth) =>
        new(TpmOrdinal.CreateWrapKey, $"{info} under {Name(parent)} → blob {blob}")
        {
            Handles = request => request.Key(parent),
            Parameters = request =>
            {
                request.EncAuth(info.UsageAuth);
                request.EncAuth(info.MigrationAuth, odd: true);
                request.Structure(info.PublicPart() with { PubKey = default });
            },
            Sessions = [auth],
            Answer = answer => Key(answer, blob),
        };

    public static CommandStep GetPubKey(int key, SessionUse? auth) => new(TpmOrdinal.GetPubKey, Name(key))
    {
        Handles = request => request.Key(key),
        Sessions = auth is null ? [] : [auth],
        Answer = answer => PubKey(answer, IsOwn(answer.Memory, key)),
    };

    public static CommandStep Evict(int key) => new(TpmOrdinal.EvictKey, Name(key)) { Handles = request => request.Key(key) };

    public static CommandStep Sign(int key, byte[] area, SessionUse? auth) => new(TpmOrdinal.Sign, $"{area.Length} bytes with {Name(key)}")
    {
        Handles = request => request.Key(key),
        Parameters = request => request.Sized32(area),
        Sessions = auth is null ? [] : [auth],
        Answer = answer => Signature(answer, key),
    };

    /// <summary>TPM_Sign by a key of which the driver does not know whether both sides have the same.</summary>
    public static CommandStep SignOwn(int key, byte[] area, SessionUse auth) => new(TpmOrdinal.Sign, $"{area.Length} bytes with {Name(key)}, wherever it is from")
    {
        Handles = request => request.Key(key),
        Parameters = request => request.Sized32(area),
        Sessions = [auth],
        Answer = answer => answer.OwnSized32("sig"),
    };

    /// <summary>TPM_Sign by a key that signs TPM_SIGN_INFO: it holds the nonce of the session, so that the signatures are each side's own.</summary>
    public static CommandStep SignInfo(int key, byte[] area, SessionUse? auth) => new(TpmOrdinal.Sign, $"{area.Length} bytes as TPM_SIGN_INFO with {Name(key)}")
    {
        Handles = request => request.Key(key),
        Parameters = request => request.Sized32(area),
        Sessions = auth is null ? [] : [auth],
        Answer = answer => answer.OwnSized32("sig"),
    };

    public static CommandStep UnBind(int key, byte[] plain, SessionUse? auth, bool pkcs1 = false) => new(TpmOrdinal.UnBind, $"{plain.Length} bytes with {Name(key)}")
    {
        Handles = request => request.Key(key),
        Parameters = request => request.OwnSized32(pkcs1 ? request.EncryptPkcs1For(key, plain) : request.EncryptFor(key, plain)),
        Sessions = auth is null ? [] : [auth],
        Answer = answer => answer.Sized32("outData"),
    };

    public static CommandStep Certify(TpmOrdinal ordinal, int certKey, int key, byte[] antiReplay, params SessionUse[] auths) =>
        new(ordinal, $"{Name(key)} with {Name(certKey)}")
        {
            Handles = request =>
            {
                // TPM_CertifyKey2 has the key to be certified first.
                request.Key(ordinal == TpmOrdinal.CertifyKey2 ? key : certKey);
                request.Key(ordinal == TpmOrdinal.CertifyKey2 ? certKey : key);
            },
            Parameters = request =>
            {
                if (ordinal == TpmOrdinal.CertifyKey2) request.Literal(new byte[20]);
                request.Literal(antiReplay);
            },
            Sessions = auths,
            Answer = answer =>
            {
                // The same key is the same bytes: what is certified, and the signature, must be equal, too, unless the key is the side's own.
                bool isOwn = IsOwn(answer.Memory, key);
                CertifyInfo(answer, isOwn);
                if (isOwn || IsOwn(answer.Memory, certKey)) answer.OwnSized32("sig");
                else answer.Sized32("sig");
            },
        };

    /// <summary>A structure TPM_KEY, whose public half and private half each side has its own of; kept as a blob.</summary>
    public static void Key(ResponseReader answer, int blob)
    {
        int start = answer.Position;
        answer.UInt32("key.ver");
        answer.UInt16("key.keyUsage");
        answer.UInt32("key.keyFlags");
        answer.UInt8("key.authDataUsage");
        Parms(answer, "key.");
        answer.Sized32("key.PCRInfo");
        answer.Memory.Moduli[blob] = answer.OwnSized32("key.pubKey");
        answer.OwnSized32("key.encData");
        answer.Memory.Blobs[blob] = answer.Since(start);
    }

    /// <summary>TPM_PUBKEY.</summary>
    public static byte[] PubKey(ResponseReader answer, bool isOwn)
    {
        Parms(answer, "pubKey.");
        return isOwn ? answer.OwnSized32("pubKey.key") : answer.Sized32("pubKey.key");
    }

    public static void Signature(ResponseReader answer, int key)
    {
        if (IsOwn(answer.Memory, key)) answer.OwnSized32("sig");
        else answer.Sized32("sig");
    }

    /// <summary>Whether each side has another key pair under this name.</summary>
    public static bool IsOwn(SideMemory memory, int key) => !memory.OutsideKeys.Contains(key);

    /// <summary>TPM_CERTIFY_INFO or TPM_CERTIFY_INFO2.</summary>
    private static void CertifyInfo(ResponseReader answer, bool isOwn)
    {
        bool is2 = answer.UInt16("certifyInfo.tag") == (int)TpmStructureTag.CertifyInfo2;
        answer.UInt16("certifyInfo.payload");
        answer.UInt16("certifyInfo.keyUsage");
        answer.UInt32("certifyInfo.keyFlags");
        answer.UInt8("certifyInfo.authDataUsage");
        Parms(answer, "certifyInfo.");
        if (isOwn) answer.Own("certifyInfo.pubkeyDigest", 20);
        else answer.Exact("certifyInfo.pubkeyDigest", 20);
        answer.Exact("certifyInfo.data", 20);
        answer.UInt8("certifyInfo.parentPCRStatus");
        answer.Sized32("certifyInfo.PCRInfo");
        if (is2) answer.Sized32("certifyInfo.migrationAuthority");
    }

    private static void Parms(ResponseReader answer, string name)
    {
        answer.UInt32($"{name}algorithmID");
        answer.UInt16($"{name}encScheme");
        answer.UInt16($"{name}sigScheme");
        answer.Sized32($"{name}parms");
    }
}
