using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <content>Delegation: by whoever sits at a TPM without owner, by the owner, and by delegates.</content>
public static partial class Corpus
{
    private static void SeedDelegations(TestTpm tpm)
    {
        uint family = tpm.CreateFamily();
        Manage(tpm, TpmFamilyOperation.Enable, family, [1]);
        byte[] blob = WireFormat.ToBytes(TestTpm.PlainBlob(TestTpm.Delegation(TpmDelegateOwnerPermission.DelegateManage, family)));
        tpm.Send(new DelegateLoadOwnerDelegation(), new DelegateLoadOwnerDelegationRequest { Index = 1, Blob = blob });
        Manage(tpm, TpmFamilyOperation.Invalidate, tpm.CreateFamily(), []);
        Manage(tpm, TpmFamilyOperation.Admin, family, [1]);
        tpm.Send(new DelegateReadTable(), default);
    }

    private static void Delegate(TestTpm tpm)
    {
        uint family = tpm.CreateFamily(Owner(tpm));
        Manage(tpm, TpmFamilyOperation.Enable, family, [1], Owner(tpm));
        TpmDelegatePublic everything = TestTpm.Delegation((TpmDelegateOwnerPermission)uint.MaxValue, family);
        byte[] ownerBlob = tpm.CreateOwnerDelegation(everything);
        ownerBlob = tpm.CreateOwnerDelegation(everything, increment: true);
        uint key = tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        TpmDelegatePublic anything = TestTpm.Delegation((TpmDelegateKeyPermission)0x1FFFFFFF, family);
        byte[] keyBlob = tpm.CreateKeyDelegation(key, anything);
        tpm.Send(new DelegateVerifyDelegation(), new DelegateVerifyDelegationRequest { Delegation = ownerBlob });
        tpm.Send(new DelegateVerifyDelegation(), new DelegateVerifyDelegationRequest { Delegation = keyBlob });
        tpm.Send(new DelegateLoadOwnerDelegation(), new DelegateLoadOwnerDelegationRequest { Index = 0, Blob = ownerBlob }, Owner(tpm));
        tpm.Send(new DelegateReadTable(), default);
        foreach (byte[] inputData in (byte[][])[ownerBlob, keyBlob, [0, 0, 0, 0]])
            tpm.Send(new DelegateUpdateVerification(), new DelegateUpdateVerificationRequest { InputData = inputData }, Owner(tpm));

        // What the owner and the key have delegated, their delegates delegate further.
        TestAuth dsap = tpm.Dsap(TpmEntityType.DelegateKeyBlob, keyBlob, key);
        TpmAuthData delAuth = TestTpm.EncryptAuth(dsap, TestTpm.DelegateAuth);
        var createKey = new DelegateCreateKeyDelegationRequest { KeyHandle = key, PublicInfo = anything, DelAuth = delAuth };
        tpm.Send(new DelegateCreateKeyDelegation(), createKey, dsap);
        dsap = tpm.Dsap(TpmEntityType.DelegateOwnerBlob, ownerBlob);
        delAuth = TestTpm.EncryptAuth(dsap, TestTpm.DelegateAuth);
        tpm.Send(new DelegateCreateOwnerDelegation(), new DelegateCreateOwnerDelegationRequest { PublicInfo = everything, DelAuth = delAuth }, dsap);
        tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 0 });
        Manage(tpm, TpmFamilyOperation.Admin, family, [1], tpm.Oiap(TestTpm.DelegateAuth));
        Manage(tpm, TpmFamilyOperation.Invalidate, family, [], tpm.Dsap(TpmEntityType.DelegateOwnerBlob, ownerBlob));
    }

    private static void Manage(TestTpm tpm, TpmFamilyOperation opCode, uint familyId, byte[] opData, params TestAuth[] auths) =>
        tpm.Send(new DelegateManage(), new DelegateManageRequest { FamilyId = familyId, OpCode = opCode, OpData = opData }, auths);
}
