using System.Security.Cryptography;
using Vtpm.Differential.Commands;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>PCRs, hashes, random numbers, ticks, quotes.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> IntegrityScenes() =>
        [(8, ExtendPcr), (3, ReadPcr), (3, ResetPcrs), (3, Hash), (2, RandomNumbers), (2, ReadTicks), (3, StampTicks), (6, QuotePcrs)];

    private uint AnyPcr() => Chance(97) ? (uint)_random.Next(24) : Pick(24u, 255u, uint.MaxValue);

    private void ExtendPcr()
    {
        uint pcr = AnyPcr();
        byte[] digest = Bytes(20);
        Emit(Integrity.Extend(pcr, digest), () => Extended(pcr, digest));
    }

    private void Extended(uint pcr, byte[] digest)
    {
        if (pcr < 24) _world.Pcrs[pcr] = SHA1.HashData((byte[])[.. _world.Pcrs[pcr], .. digest]);
    }

    private void ReadPcr() => Emit(Integrity.PcrRead(AnyPcr()));

    private void ResetPcrs()
    {
        byte[] select = Chance(70) ? [0, 0, (byte)Pick(0x01, 0x80, 0x81)] : Chance(50) ? [0, 0, (byte)Pick(0x02, 0x04, 0x10, 0x20, 0x40)] : Select();
        Emit(Integrity.PcrReset(select), () =>
        {
            for (int pcr = 0; pcr < 24; pcr++)
            {
                if ((select[pcr / 8] >> pcr % 8 & 1) == 1) _world.Pcrs[pcr] = new byte[20];
            }
        });
    }

    private void Hash()
    {
        Lead(Integrity.Sha1Start());
        byte[] all = [];
        for (int i = _random.Next(3); i > 0; i--)
        {
            byte[] block = Bytes(64 * (1 + _random.Next(3)));
            all = [.. all, .. block];
            Lead(Integrity.Sha1Update(block));
        }

        if (Chance(10))
        {
            // Whether the thread outlives a command that failed is the TPM's choice: nothing more is done with it.
            Emit(Integrity.Sha1Update(Bytes(_random.Next(200))));
            return;
        }

        if (Chance(10)) PlayScene();
        byte[] last = Bytes(Chance(90) ? _random.Next(65) : 65 + _random.Next(30));
        uint pcr = AnyPcr();
        if (Chance(60)) Emit(Integrity.Sha1Complete(last));
        else Emit(Integrity.Sha1CompleteExtend(pcr, last), () => Extended(pcr, SHA1.HashData((byte[])[.. all, .. last])));
    }

    private void RandomNumbers()
    {
        if (Chance(50)) Emit(Integrity.GetRandom((uint)(Chance(90) ? _random.Next(100) : _random.Next(5000))));
        else Emit(Integrity.StirRandom(Bytes(Chance(90) ? _random.Next(256) : _random.Next(400))));
    }

    private void ReadTicks() => Emit(Integrity.GetTicks());

    private void StampTicks()
    {
        int key = KeyFor(TpmKeyUsage.Signing, TpmKeyUsage.Legacy, TpmKeyUsage.Identity);
        Emit(Integrity.TickStamp(key, Bytes(20), MaybeAuth(key)));
    }

    private void QuotePcrs()
    {
        int key = KeyFor(TpmKeyUsage.Signing, TpmKeyUsage.Legacy, TpmKeyUsage.Identity);
        byte[] select = Select();
        Emit(Chance(50)
            ? Integrity.Quote(key, Bytes(20), select, MaybeAuth(key))
            : Integrity.Quote2(key, Bytes(20), select, Chance(50), MaybeAuth(key)));
    }
}
