using Vtpm.Engine.Commands.Migration;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Wire;

namespace Vtpm.Client.Tests.Support;

/// <summary>A TPM that keys leave and come to: Part 3 §11 with the sessions that it wants. All keys have the same secrets.</summary>
internal sealed class MigratingTpm(HardwareKind kind) : IDisposable
{
    private readonly OwnedTpm _owned = new(kind);

    private TpmClient Tpm => _owned.Tpm;

    public static TpmSecret Usage { get; } = TpmSecret.Parse("text:usage");

    public static TpmSecret Migration { get; } = TpmSecret.Parse("text:migration");

    public static TpmKey BindKey(int keyLength = TpmKeys.KeyBits) => TpmKeys.Storage(TpmKeyFlags.Migratable) with
    {
        KeyUsage = TpmKeyUsage.Bind,
        AlgorithmParms = TpmKeys.StorageRootKey.AlgorithmParms with
        {
            Parms = WireFormat.ToBytes(new TpmRsaKeyParms { KeyLength = (uint)keyLength, NumPrimes = 2 }),
        },
    };

    /// <summary>What TPM_MigrateKey wants: OAEP, 2048 bits.</summary>
    public static TpmKey AuthorityKey => TpmKeys.StorageRootKey with { KeyUsage = TpmKeyUsage.Migrate };

    /// <summary>A list of authorities.</summary>
    public static TpmMsaComposite Authorities(params ReadOnlySpan<TpmPubKey> keys)
    {
        var digests = new TpmDigest[keys.Length];
        for (int i = 0; i < keys.Length; i++) digests[i] = WireFormat.Digest(keys[i]);
        return new TpmMsaComposite { MigAuthDigest = digests };
    }

    /// <summary>What a signer allows: this key for that destination.</summary>
    public static TpmCmkAuth Allowed(SoftwareKey signer, TpmPubKey destination, TpmPubKey source) => new()
    {
        MigrationAuthorityDigest = WireFormat.Digest(signer.ToSigningPubKey()),
        DestinationKeyDigest = WireFormat.Digest(destination),
        SourceKeyDigest = WireFormat.Digest(source),
    };

    public TpmPubKey ReadSrk()
    {
        using TpmSession owner = Owner();
        return Tpm.OwnerReadInternalPub(TpmKeyHandle.Srk, owner);
    }

    public TpmKey CreateKey(TpmKey template)
    {
        using TpmSession parent = SrkOsap();
        return Tpm.CreateWrapKey(TpmKeyHandle.Srk, parent, Usage, Migration, template);
    }

    public uint Load(TpmKey key)
    {
        using TpmSession parent = Srk();
        return Tpm.LoadKey2(TpmKeyHandle.Srk, parent, key);
    }

    public byte[] UnBind(TpmKey key, byte[] bound)
    {
        using TpmSession session = Tpm.Oiap(Usage);
        return Tpm.Send(new UnBind(), new UnBindRequest { KeyHandle = Load(key), InData = bound }, session).OutData.ToArray();
    }

    public MigrationBlobResponse CreateMigrationBlob(TpmKey key, TpmPubKey destination, TpmMigrateScheme scheme)
    {
        TpmMigrationKeyAuth ticket = Authorize(destination, scheme);
        using TpmSession parent = Srk();
        using TpmSession entity = Tpm.Oiap(Migration);
        var request = new CreateMigrationBlobRequest
        {
            ParentHandle = TpmKeyHandle.Srk, MigrationType = scheme, MigrationKeyAuth = ticket, EncData = key.EncData,
        };
        return Tpm.Send(new CreateMigrationBlob(), request, parent, entity);
    }

    public ReadOnlyMemory<byte> ConvertMigrationBlob(MigrationBlobResponse blob)
    {
        using TpmSession parent = Srk();
        var request = new ConvertMigrationBlobRequest { ParentHandle = TpmKeyHandle.Srk, InData = blob.OutData, Random = blob.Random };
        return Tpm.Send(new ConvertMigrationBlob(), request, parent).OutData;
    }

    /// <summary>As the authority.</summary>
    public MigrationBlobResponse MigrateKey(uint maKey, MigrationBlobResponse blob, TpmPubKey destination)
    {
        using TpmSession authority = Tpm.Oiap(Usage);
        var request = new MigrateKeyRequest { MaKeyHandle = maKey, PubKey = destination, InData = blob.OutData };
        return blob with { OutData = Tpm.Send(new MigrateKey(), request, authority).OutData };
    }

    public TpmKey CmkCreateKey(TpmKey template, TpmMsaComposite authorities)
    {
        TpmDigest msaDigest = WireFormat.Digest(authorities);
        TpmDigest approval;
        using (TpmSession owner = Owner())
            approval = Tpm.Send(new CmkApproveMA(), new CmkApproveMARequest { MigrationAuthorityDigest = msaDigest }, owner).OutData;
        using TpmSession parent = SrkOsap();
        var request = new CmkCreateKeyRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            DataUsageAuth = parent.Encrypt(Usage),
            KeyInfo = template with { Ver = TpmKey.Tag12, KeyFlags = TpmKeyFlags.Migratable | TpmKeyFlags.MigrateAuthority },
            MigrationAuthorityApproval = approval,
            MigrationAuthorityDigest = msaDigest,
        };
        return Tpm.Send(new CmkCreateKey(), request, parent).WrappedKey;
    }

    /// <summary>The owner's ticket for what a signer allows.</summary>
    public TpmDigest CmkCreateTicket(SoftwareKey signer, TpmCmkAuth restrictTicket)
    {
        TpmDigest digest = WireFormat.Digest(restrictTicket);
        using TpmSession owner = Owner();
        var request = new CmkCreateTicketRequest
        {
            VerificationKey = signer.ToSigningPubKey(), SignedData = digest, SignatureValue = signer.Sign(digest),
        };
        return Tpm.Send(new CmkCreateTicket(), request, owner).SigTicket;
    }

    /// <summary>To an authority; to where a signer allows when there is one.</summary>
    public MigrationBlobResponse CmkCreateBlob(
        TpmKey key, TpmMsaComposite authorities, TpmPubKey destination, SoftwareKey? signer = null, TpmCmkAuth restrictTicket = default)
    {
        TpmMigrateScheme scheme = signer is null ? TpmMigrateScheme.RestrictMigrate : TpmMigrateScheme.RestrictApprove;
        var request = new CmkCreateBlobRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            MigrationType = scheme,
            MigrationKeyAuth = Authorize(destination, scheme),
            PubSourceKeyDigest = WireFormat.Digest(key.ToPubKey()),
            MsaList = authorities,
            EncData = key.EncData,
        };
        if (signer is not null)
        {
            request.RestrictTicket = WireFormat.ToBytes(restrictTicket);
            request.SigTicket = CmkCreateTicket(signer, restrictTicket).ReadOnlySpan.ToArray();
        }

        using TpmSession parent = Srk();
        return Tpm.Send(new CmkCreateBlob(), request, parent);
    }

    public TpmKey CmkConvertMigration(
        TpmKey key, MigrationBlobResponse blob, TpmMsaComposite authorities, SoftwareKey signer, TpmCmkAuth restrictTicket)
    {
        TpmDigest sigTicket = CmkCreateTicket(signer, restrictTicket);
        using TpmSession parent = Srk();
        var request = new CmkConvertMigrationRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            RestrictTicket = restrictTicket,
            SigTicket = sigTicket,
            MigratedKey = key with { EncData = blob.OutData },
            MsaList = authorities,
            Random = blob.Random,
        };
        return key with { EncData = Tpm.Send(new CmkConvertMigration(), request, parent).OutData };
    }

    public void Dispose() => _owned.Dispose();

    private TpmMigrationKeyAuth Authorize(TpmPubKey destination, TpmMigrateScheme scheme)
    {
        using TpmSession owner = Owner();
        var request = new AuthorizeMigrationKeyRequest { MigrationScheme = scheme, MigrationKey = destination };
        return Tpm.Send(new AuthorizeMigrationKey(), request, owner).OutData;
    }

    private TpmSession Owner() => Tpm.Oiap(_owned.Owner);

    private TpmSession Srk() => Tpm.Oiap(_owned.Srk);

    private TpmSession SrkOsap() => Tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, _owned.Srk);
}
