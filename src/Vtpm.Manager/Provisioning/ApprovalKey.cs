using System.Security.Cryptography;
using System.Text;
using Vtpm.Storage;

namespace Vtpm.Manager;

/// <summary>
/// The key of a group's authority (SAA) in a PEM file (PKCS #8). Whoever has it decides which platforms open the group: it belongs off the machine
/// when the machine is not the authority.
/// </summary>
public static class ApprovalKey
{
    public const int KeyBits = 2048;

    /// <summary>The key in the file.</summary>
    /// <exception cref="ManagerException">The file cannot be read, or holds another key.</exception>
    public static RSA Load(string path) => OfFile(path, "read", Import);

    /// <summary>A new key, in a new file (mode 0600), durably, when this returns.</summary>
    /// <exception cref="ManagerException">The file cannot be made; one that is there stays as it is.</exception>
    public static RSA Create(string path) => OfFile(path, "made", Generate);

    /// <summary>The key in the file, or a new one that is in the file, durably, when this returns.</summary>
    /// <exception cref="ManagerException">The file cannot be read or made, or holds another key.</exception>
    public static RSA LoadOrCreate(string path, out bool created)
    {
        created = !File.Exists(path);
        return created ? Create(path) : Load(path);
    }

    private static RSA OfFile(string path, string done, Func<string, RSA> key)
    {
        try
        {
            return key(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ManagerException($"the approval key {path} cannot be {done}: {e.Message}", e);
        }
    }

    private static RSA Import(string path)
    {
        RSA key = RSA.Create();
        try
        {
            string pem = File.ReadAllText(path);
            // A public key would be taken, and fail where it is to sign.
            if (!pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal)) throw new CryptographicException("no private key");
            key.ImportFromPem(pem);
            if (key.KeySize == KeyBits && key.ExportParameters(includePrivateParameters: false).Exponent is [1, 0, 1]) return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new ManagerException($"the approval key {path} is not a private key in PEM form; name another file, or move this one away", e);
        }

        key.Dispose();
        throw new ManagerException($"the approval key {path} is not RSA-{KeyBits} with exponent 65537; name another file, or move this one away");
    }

    private static RSA Generate(string path)
    {
        RSA key = RSA.Create(KeyBits);
        try
        {
            byte[] pem = Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n");
            bool created = PrivateFile.Create(path, pem);
            CryptographicOperations.ZeroMemory(pem);
            if (!created) throw new IOException("a file of this name is there");
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
