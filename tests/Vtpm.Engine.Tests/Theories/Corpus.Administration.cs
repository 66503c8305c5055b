using System.Security.Cryptography;
using Vtpm.Engine.Commands.AuthorizationChanges;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Management;
using Vtpm.Engine.Commands.OptIn;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.Testing;
using Vtpm.Engine.Commands.Xen;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <content>What platforms, operators and owners do: testing, opt-in, ownership, endorsement, changes of authorization.</content>
public static partial class Corpus
{
    private static void Test(TestTpm tpm)
    {
        tpm.Send(new SelfTestFull(), default);
        tpm.Send(new ContinueSelfTest(), default);
        tpm.Send(new GetTestResult(), default);
    }

    private static void OptIn(TestTpm tpm)
    {
        tpm.AssertPresence();
        tpm.Send(new SetOwnerInstall(), new SetOwnerInstallRequest { State = true });
        tpm.Send(new PhysicalDisable(), default);
        tpm.Send(new PhysicalEnable(), default);
        tpm.Send(new PhysicalSetDeactivated(), default);
        tpm.Send(new SetOperatorAuth(), new SetOperatorAuthRequest { OperatorAuth = new TpmAuthData(TestTpm.KeyAuth) });
        tpm.Send(new SetTempDeactivated(), default);
        tpm.PowerCycle();
        // Nobody is present: the operator's secret is what counts.
        tpm.Send(new SetTempDeactivated(), default, Key(tpm));
        tpm.PowerCycle();
        tpm.TakeOwnership();
        tpm.Send(new OwnerSetDisable(), new OwnerSetDisableRequest { DisableState = true }, Owner(tpm));
        tpm.Locality = 4;
        tpm.Send(new TscResetEstablishmentBit(), default);
    }

    private static void Clear(TestTpm tpm)
    {
        tpm.TakeOwnership();
        tpm.Send(new OwnerClear(), default, Owner(tpm));
        tpm.PowerCycle();
        tpm.AssertPresence();
        tpm.Send(new PhysicalEnable(), default);
        tpm.Send(new PhysicalSetDeactivated(), default);
        tpm.PowerCycle();
        tpm.TakeOwnership();
        tpm.AssertPresence();
        tpm.Send(new DisableOwnerClear(), default, Owner(tpm));
        tpm.Send(new ForceClear(), default);
        tpm.Send(new PhysicalEnable(), default);
        tpm.Send(new DisableForceClear(), default);
    }

    private static void Endorse(TestTpm tpm)
    {
        var create = new CreateRevocableEKRequest { AntiReplay = tpm.NewNonce(), KeyInfo = TestTpm.StorageParms, InputEKReset = tpm.NewNonce() };
        tpm.Send(new CreateRevocableEK(), create);
        tpm.Send(new ReadPubek(), new ReadPubekRequest { AntiReplay = tpm.NewNonce() });
        tpm.TakeOwnership();
        tpm.Send(new OwnerReadInternalPub(), new OwnerReadInternalPubRequest { KeyHandle = TpmKeyHandle.Srk }, Owner(tpm));
        tpm.Send(new OwnerReadPubek(), default, Owner(tpm));
        tpm.Send(new DisablePubekRead(), default, Owner(tpm));
        tpm.Send(new ResetLockValue(), default, Owner(tpm));
        tpm.AssertPresence();
        tpm.Send(new RevokeTrust(), new RevokeTrustRequest { EKReset = create.InputEKReset });
    }

    private static void ChangeSecrets(TestTpm tpm)
    {
        TestAuth osap = tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, TestTpm.WellKnown);
        var seal = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth), InData = new byte[32] };
        ReadOnlyMemory<byte> sealedData = tpm.Send(new Seal(), seal, osap).SealedData.EncData;
        foreach ((TpmEntityType type, ReadOnlyMemory<byte> encData) in (ReadOnlySpan<(TpmEntityType, ReadOnlyMemory<byte>)>)
            [
                (TpmEntityType.Data, sealedData), (TpmEntityType.Key, tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth).EncData),
            ])
        {
            osap = tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, TestTpm.WellKnown);
            var change = new ChangeAuthRequest
            {
                ParentHandle = TpmKeyHandle.Srk,
                ProtocolId = TpmProtocolId.Adcp,
                NewAuth = TestTpm.EncryptAuth(osap, TestTpm.OwnerAuth),
                EntityType = (ushort)type,
                EncData = encData,
            };
            tpm.Send(new ChangeAuth(), change, osap, Key(tpm));
        }

        foreach (TpmEntityType type in (ReadOnlySpan<TpmEntityType>)[TpmEntityType.Srk, TpmEntityType.Owner])
        {
            osap = OwnerOsap(tpm);
            var change = new ChangeAuthOwnerRequest
            {
                ProtocolId = TpmProtocolId.Adcp,
                NewAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth),
                EntityType = (ushort)type,
            };
            tpm.Send(new ChangeAuthOwner(), change, osap);
        }
    }
    private static void ChangeSecretsUnseen(TestTpm tpm)
    {
        // Of 1024 bits, so that the theories over every byte stay quick.
        uint identity = tpm.LoadWrapped(TpmKeyUsage.Identity, flags: TpmKeyFlags.None);
        var start = new ChangeAuthAsymStartRequest { IdHandle = identity, TempKey = TestTpm.RsaParms(1024, TpmEncScheme.RsaesOaepSha1Mgf1) };
        ChangeAuthAsymStartResponse ephemeral = tpm.Send(new ChangeAuthAsymStart(), start, Key(tpm));
        var finish = new ChangeAuthAsymFinishRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            EphHandle = ephemeral.EphHandle,
            EntityType = (ushort)TpmEntityType.Key,
            NewAuthLink = new TpmDigest(HMACSHA1.HashData(TestTpm.KeyAuth, TestTpm.OwnerAuth)),
            EncNewAuth = Witness.EncryptOaep(ephemeral.TempKey.PubKey.Key, [.. TestTpm.OwnerAuth, .. tpm.NewNonce().ReadOnlySpan]),
            EncData = tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth).EncData,
        };
        tpm.Send(new ChangeAuthAsymFinish(), finish, Owner(tpm));
    }

    private static void AskTheParent(TestTpm tpm)
    {
        var quote = new DeepQuoteRequest { ExternData = tpm.NewNonce(), VtSel = Pcrs, PtSel = Pcrs, ExtraInfoFlags = VtpmQuoteFlags.HashUuid };
        tpm.Send(new DeepQuote(), quote, Owner(tpm));
        tpm.Send(new ParentSignEK(), new ParentSignEKRequest { ExternData = tpm.NewNonce(), PtSel = Pcrs }, OwnerOsap(tpm));
    }
}
