using System.CommandLine;
using Vtpm.Client;
using Vtpm.Manager;

namespace Vtpm.Cli;

/// <summary>What a manager does at its first start, when its image is not provisioned: the options, and what follows from them.</summary>
internal sealed class FirstStart
{
    private readonly Option<string> _provision = new("--provision")
    {
        Description = "Provision an image that is not: approve the present PCRs with the key in this file, made when it does not exist.",
        HelpName = "KEYFILE",
    };

    private readonly Option<string> _authority = new("--authority")
    {
        Description = "Provision an image that is not, for an authority elsewhere: the present PCRs open it until that one signs others. The modulus of its key: "
            + "a file, or the modulus itself in base64.",
        HelpName = "KEY",
    };

    private readonly Option<string[]> _admit = new("--admit")
    {
        Description = "With either, the label of vTPMs that are admitted, instead of all that come by the ways that the manager has; may be given several times.",
        HelpName = "LABEL",
    };

    public void AddTo(Command command)
    {
        command.Add(_provision);
        command.Add(_authority);
        command.Add(_admit);
        command.Validators.Add(result =>
        {
            bool isOwn = result.GetResult(_provision) is not null, isElsewhere = result.GetResult(_authority) is not null;
            if (isOwn && isElsewhere) result.AddError("--provision makes this machine the authority, and --authority names another: give one of them");
            if (!isOwn && !isElsewhere && result.GetResult(_admit) is not null)
                result.AddError("--admit is for the first configuration: give --provision or --authority with it");
        });
    }

    /// <summary>What is to be done to a manager that has started; refuses before it is started what cannot be done.</summary>
    public Action<VtpmManager> Read(ParseResult result)
    {
        string[]? labels = result.GetValue(_admit) is { Length: > 0 } given ? given : null;
        if (result.GetValue(_provision) is { } path)
            return manager => manager.Provision(new ProvisioningOptions { KeyPath = path, Labels = labels });
        if (result.GetValue(_authority) is not { } authority) return static _ => { };
        var options = new AuthorityOptions { Modulus = ReadModulus(authority), Labels = labels };
        return manager => manager.ProvisionFor(options);
    }

    // A domain without files has it on its command line, where hexadecimal would be long.
    private static byte[] ReadModulus(string text)
    {
        byte[] modulus = new byte[AuthorityModulus.Size];
        if (Convert.TryFromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='), modulus, out int length) && Rsa2048.IsModulus(modulus.AsSpan(0, length)))
            return modulus;
        if (!File.Exists(text)) throw new UsageException($"--authority {text}: there is no such file, nor is that the {AuthorityModulus.Size} bytes of a modulus in base64");
        try
        {
            return AuthorityModulus.Parse(UserFile.Read(text));
        }
        catch (ApprovalException exception)
        {
            throw new UsageException($"--authority {text}: {exception.Message}");
        }
    }
}
