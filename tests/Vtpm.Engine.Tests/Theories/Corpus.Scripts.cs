using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Capability;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.Identity;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.MonotonicCounters;
using Vtpm.Engine.Commands.NonVolatileStorage;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.Startup;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.TimingTicks;
using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <content>What clients do, by chapter.</content>
public static partial class Corpus
{
    private static readonly TpmPcrSelection Pcrs = TpmPcrSelection.Of(0, 1, 9, 23);

    private static void Start(TestTpm tpm)
    {
        tpm.Send(new SaveState(), default);
        tpm.PowerCycle(startup: null);
        tpm.Send(new Startup(), new StartupRequest { StartupType = TpmStartupType.State });
        tpm.PowerCycle(startup: null);
        tpm.Send(new Startup(), new StartupRequest { StartupType = TpmStartupType.Deactivated });
        tpm.PowerCycle(startup: null);
        tpm.Send(new Startup(), new StartupRequest { StartupType = TpmStartupType.Clear });
        tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = TpmDigest.AllOnes });
        tpm.Send(new PcrRead(), new PcrReadRequest { PcrIndex = 9 });
        tpm.Send(new PcrReset(), new PcrResetRequest { PcrSelection = TpmPcrSelection.Of(16, 23) });
        tpm.Send(new Sha1Start(), default);
        tpm.Send(new Sha1Update(), new Sha1UpdateRequest { HashData = new byte[128] });
        tpm.Send(new Sha1Complete(), new Sha1CompleteRequest { HashData = new byte[33] });
        tpm.Send(new Sha1Start(), default);
        tpm.Send(new Sha1CompleteExtend(), new Sha1CompleteExtendRequest { PcrNum = 10, HashData = new byte[5] });
        tpm.Send(new GetRandom(), new GetRandomRequest { BytesRequested = 20 });
        tpm.Send(new StirRandom(), new StirRandomRequest { InData = new byte[40] });
        tpm.Send(new GetTicks(), default);
        foreach ((TpmCapability area, string subCap) in (ReadOnlySpan<(TpmCapability, string)>)
            [
                (TpmCapability.Ord, "0000000a"), (TpmCapability.Property, "00000103"), (TpmCapability.Property, "00000115"), (TpmCapability.Version, ""),
                (TpmCapability.VersionVal, ""), (TpmCapability.Flag, "00000108"), (TpmCapability.Handle, "00000002"), (TpmCapability.NvList, ""),
            ])
            tpm.Send(new GetCapability(), new GetCapabilityRequest { CapArea = area, SubCap = Convert.FromHexString(subCap) });
    }

    private static void Own(TestTpm tpm)
    {
        tpm.CreateEndorsementKeyPair();
        tpm.TakeOwnership();
        tpm.Send(new GetCapabilityOwner(), default, Owner(tpm));
        // TPM_PF_READPUBEK to TRUE, and TPM_AF_TOSPRESENT to FALSE: both have the number 4.
        var set = new SetCapabilityRequest { CapArea = TpmSetCapability.PermFlags, SubCap = Convert.FromHexString("00000004"), SetValue = new byte[] { 1 } };
        tpm.Send(new SetCapability(), set, Owner(tpm));
        tpm.Locality = 3;
        tpm.Send(new SetCapability(), set with { CapArea = TpmSetCapability.StAnyFlags, SetValue = new byte[] { 0 } });
    }

    private static void Store(TestTpm tpm)
    {
        TpmKey keyInfo = tpm.Wrap(TpmKeyUsage.Storage, TestTpm.KeyAuth, TpmKeyFlags.None) with { PubKey = default, EncData = default };
        TestAuth osap = tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, TestTpm.WellKnown);
        TpmAuthData usage = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth);
        var create = new CreateWrapKeyRequest { ParentHandle = TpmKeyHandle.Srk, DataUsageAuth = usage, DataMigrationAuth = usage, KeyInfo = keyInfo };
        TpmKey wrapped = tpm.Send(new CreateWrapKey(), create, osap).WrappedKey;
        uint key = tpm.Send(new LoadKey2(), new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = wrapped }, Srk(tpm)).InKeyHandle;
        tpm.Send(new GetPubKey(), new GetPubKeyRequest { KeyHandle = key }, Key(tpm));

        TpmPcrInfoLong pcrInfo = new()
        {
            LocalityAtCreation = TpmLocalitySelection.Zero,
            LocalityAtRelease = TpmLocalitySelection.All,
            CreationPcrSelection = Pcrs,
            ReleasePcrSelection = Pcrs,
            DigestAtRelease = tpm.State.Pcrs.CompositeHash(Pcrs),
        };
        foreach (ReadOnlyMemory<byte> info in (ReadOnlyMemory<byte>[])[default, WireFormat.ToBytes(pcrInfo)])
        {
            osap = tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.KeyAuth);
            var seal = new SealRequest { KeyHandle = key, EncAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth), PcrInfo = info, InData = new byte[32] };
            TpmStoredData sealedData = tpm.Send(new Seal(), seal, osap).SealedData;
            tpm.Send(new Unseal(), new UnsealRequest { ParentHandle = key, InData = sealedData }, Key(tpm), Key(tpm));
        }

        osap = tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.KeyAuth);
        var sealx = new SealRequest
        {
            KeyHandle = key,
            EncAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth),
            PcrInfo = WireFormat.ToBytes(pcrInfo),
            InData = new byte[32],
        };
        TpmStoredData sealxData = tpm.Send(new Sealx(), sealx, osap).SealedData;
        osap = tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.KeyAuth);
        tpm.Send(new Unseal(), new UnsealRequest { ParentHandle = key, InData = sealxData }, osap, Key(tpm));

        uint bind = tpm.LoadWrapped(TpmKeyUsage.Bind);
        byte[] bound = TestTpm.EncryptOaep(tpm.State.Keys.Find(bind)!.Key.ToPubKey(), [1, 1, 0, 0, (byte)TpmPayloadType.Bind, .. "data"u8]);
        tpm.Send(new UnBind(), new UnBindRequest { KeyHandle = bind, InData = bound }, Key(tpm));
    }

    private static void Cryptography(TestTpm tpm)
    {
        uint sign = tpm.LoadWrapped(TpmKeyUsage.Signing);
        uint storage = tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        tpm.Send(new Sign(), new SignRequest { KeyHandle = sign, AreaToSign = new byte[20] }, Key(tpm));
        tpm.Send(new CertifyKey(), new CertifyKeyRequest { CertHandle = sign, KeyHandle = storage, AntiReplay = tpm.NewNonce() }, Key(tpm), Key(tpm));
        tpm.Send(new CertifyKey2(), new CertifyKey2Request { CertHandle = sign, KeyHandle = storage, AntiReplay = tpm.NewNonce() }, Key(tpm), Key(tpm));
        tpm.Send(new TickStampBlob(), new TickStampBlobRequest { KeyHandle = sign, AntiReplay = tpm.NewNonce(), DigestToStamp = TpmDigest.AllOnes }, Key(tpm));
    }

    private static void Attest(TestTpm tpm)
    {
        TpmKey idKeyParams = tpm.Wrap(TpmKeyUsage.Identity, TestTpm.KeyAuth, TpmKeyFlags.None) with { PubKey = default, EncData = default };
        TestAuth osap = OwnerOsap(tpm);
        var make = new MakeIdentityRequest { IdentityAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth), IdKeyParams = idKeyParams };
        TpmKey idKey = tpm.Send(new MakeIdentity(), make, Srk(tpm), osap).IdKey;
        uint identity = tpm.Send(new LoadKey2(), new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = idKey }, Srk(tpm)).InKeyHandle;
        var sessionKey = new TpmSymmetricKey { AlgId = TpmAlgorithmId.Aes128, EncScheme = TpmEncScheme.None, Data = new byte[16] };
        var contents = new TpmAsymCAContents { SessionKey = sessionKey, IdDigest = WireFormat.Digest(idKey.ToPubKey()) };
        TpmPubKey ek = tpm.State.Permanent.Data.EndorsementKey!.Key.ToPubKey();
        var activate = new ActivateIdentityRequest { IdKeyHandle = identity, Blob = TestTpm.EncryptOaep(ek, WireFormat.ToBytes(contents)) };
        tpm.Send(new ActivateIdentity(), activate, Key(tpm), Owner(tpm));
        tpm.Send(new Quote(), new QuoteRequest { KeyHandle = identity, ExternalData = tpm.NewNonce(), TargetPcr = Pcrs }, Key(tpm));
        tpm.Send(new Quote2(), new Quote2Request { KeyHandle = identity, ExternalData = tpm.NewNonce(), TargetPcr = Pcrs, AddVersion = true }, Key(tpm));
    }

    /// <summary>A whole Join and a whole Sign, and a DAA session that is saved, loaded and flushed.</summary>
    private static void AttestAnonymously(TestTpm tpm)
    {
        DaaBlobs blobs = tpm.Join();
        uint handle = tpm.SignUpTo(15, blobs);
        ReadOnlyMemory<byte> saved = tpm.Send(new SaveContext(), new SaveContextRequest { Handle = handle, ResourceType = TpmResourceType.DaaTpm }).ContextBlob;
        handle = tpm.Send(new LoadContext(), new LoadContextRequest { ContextBlob = saved }).Handle;
        (byte[] inputData0, byte[] inputData1) = DaaInput.Sign(15, blobs);
        tpm.Daa(TpmOrdinal.DaaSign, handle, 15, inputData0, inputData1);
        tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = tpm.JoinUpTo(1), ResourceType = TpmResourceType.DaaTpm });
    }

    private static void Sessions(TestTpm tpm)
    {
        uint key = tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        tpm.AddFamily(1);
        TpmDelegatePublic delegation = TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner);
        tpm.AddRow(0, delegation);
        var pin = new KeyControlOwnerRequest { KeyHandle = key, PubKey = tpm.State.Keys.Find(key)!.Key.ToPubKey(), BitName = TpmKeyControl.OwnerEvict };
        tpm.Send(new KeyControlOwner(), pin with { BitValue = true }, Owner(tpm));
        tpm.Send(new KeyControlOwner(), pin, tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(tpm.OwnerBlob(delegation))));
        tpm.Send(new KeyControlOwner(), pin, tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 0]));
        byte[] keyBlob = WireFormat.ToBytes(tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), key));
        TestAuth dsap = tpm.Dsap(TpmEntityType.DelegateKeyBlob, keyBlob, key);
        tpm.Send(new Seal(), new SealRequest { KeyHandle = key, EncAuth = TestTpm.EncryptAuth(dsap, TestTpm.KeyAuth), InData = new byte[8] }, dsap);
        tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 0 });
        tpm.Send(new KeyControlOwner(), pin, tpm.Oiap(TestTpm.DelegateAuth));
        tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.Owner });
    }

    private static void Contexts(TestTpm tpm)
    {
        uint key = tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        uint osap = tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.KeyAuth).Handle;
        ReadOnlyMemory<byte> session = tpm.Send(new SaveContext(), new SaveContextRequest { Handle = osap, ResourceType = TpmResourceType.Auth }).ContextBlob;
        ReadOnlyMemory<byte> saved = tpm.Send(new SaveContext(), new SaveContextRequest { Handle = key, ResourceType = TpmResourceType.Key }).ContextBlob;
        tpm.Send(new LoadContext(), new LoadContextRequest { EntityHandle = key, ContextBlob = session });
        tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = key, ResourceType = TpmResourceType.Key });
        tpm.Send(new LoadContext(), new LoadContextRequest { KeepHandle = true, ContextBlob = saved });
        uint oiap = tpm.Oiap(TestTpm.KeyAuth).Handle;
        tpm.Send(new SaveContext(), new SaveContextRequest { Handle = oiap, ResourceType = TpmResourceType.Auth });
        tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = tpm.State.StAnyData.ContextCount, ResourceType = TpmResourceType.Context });
        tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = tpm.Oiap(TestTpm.KeyAuth).Handle, ResourceType = TpmResourceType.Auth });
    }

    private static void Remember(TestTpm tpm)
    {
        var anyPcrs = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = TpmLocalitySelection.All };
        var area = new TpmNvDataPublic { NvIndex = 0x00011001, PcrInfoRead = anyPcrs, PcrInfoWrite = anyPcrs, DataSize = 32 };
        area.Permission.Attributes = TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite;
        var write = new NvWriteValueRequest { NvIndex = area.NvIndex, Offset = 4, Data = new byte[16] };
        var read = new NvReadValueRequest { NvIndex = area.NvIndex, Offset = 4, DataSize = 16 };
        // Before nvLocked anybody may do anything.
        tpm.Send(new NvDefineSpace(), new NvDefineSpaceRequest { PubInfo = area });
        tpm.Send(new NvWriteValue(), write);
        tpm.Send(new NvReadValue(), read);
        tpm.Send(new NvDefineSpace(), new NvDefineSpaceRequest { PubInfo = area with { NvIndex = TpmNvIndex.Lock, DataSize = 0 } });
        tpm.Send(new NvWriteValue(), write, Owner(tpm));
        tpm.Send(new NvReadValue(), read, Owner(tpm));

        area.NvIndex = write.NvIndex = read.NvIndex = 0x00011002;
        area.Permission.Attributes = TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite;
        TestAuth osap = OwnerOsap(tpm);
        tpm.Send(new NvDefineSpace(), new NvDefineSpaceRequest { PubInfo = area, EncAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth) }, osap);
        tpm.Send(new NvWriteValueAuth(), write, Key(tpm));
        tpm.Send(new NvReadValueAuth(), read, tpm.Osap(TpmEntityType.Nv, area.NvIndex, TestTpm.KeyAuth));
        tpm.Send(new GetCapability(), new GetCapabilityRequest { CapArea = TpmCapability.NvIndex, SubCap = Convert.FromHexString("00011002") });
    }

    private static void Count(TestTpm tpm)
    {
        for (int release = 0; release < 2; release++)
        {
            TestAuth osap = OwnerOsap(tpm);
            var create = new CreateCounterRequest { EncAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth), Label = 0x61626364 };
            uint counter = tpm.Send(new CreateCounter(), create, osap).CountId;
            var request = new CounterRequest { CountId = counter };
            if (release == 0) tpm.Send(new IncrementCounter(), request, Key(tpm));
            tpm.Send(new ReadCounter(), request);
            if (release == 0) tpm.Send(new ReleaseCounter(), request, tpm.Osap(TpmEntityType.Counter, counter, TestTpm.KeyAuth));
            else tpm.Send(new ReleaseCounterOwner(), request, Owner(tpm));
        }
    }

    private static void Deprecated(TestTpm tpm)
    {
        tpm.Send(new DirWriteAuth(), new DirWriteAuthRequest { NewContents = TpmDigest.AllOnes }, Owner(tpm));
        tpm.Send(new DirRead(), default);
        var load = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth) };
        uint key = tpm.Send(new LoadKey(), load, Srk(tpm)).InKeyHandle;
        ReadOnlyMemory<byte> blob = tpm.Send(new SaveKeyContext(), new SaveKeyContextRequest { KeyHandle = key }).ContextBlob;
        key = tpm.Send(new LoadKeyContext(), new LoadBlobRequest { ContextBlob = blob }).Handle;
        tpm.Send(new EvictKey(), new EvictKeyRequest { EvictHandle = key });
        blob = tpm.Send(new SaveAuthContext(), new SaveAuthContextRequest { AuthHandle = tpm.Oiap(TestTpm.KeyAuth).Handle }).ContextBlob;
        uint session = tpm.Send(new LoadAuthContext(), new LoadBlobRequest { ContextBlob = blob }).Handle;
        tpm.Send(new TerminateHandle(), new TerminateHandleRequest { Handle = session });
        tpm.Send(new Reset(), default);
    }
}
